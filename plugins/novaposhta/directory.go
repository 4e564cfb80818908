package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
)

const (
	// pageSize is how many rows are asked for at once; the vendor gives at most 500.
	pageSize = 500
	// settlementsPage is what getSettlements gives at most.
	settlementsPage = 150
	// maxPages bounds what one question may fetch.
	maxPages = 10
	// maxOneByOne bounds the settlements that are asked for singly.
	maxOneByOne = 10
)

// settlement is what is kept of a settlement.
type settlement struct {
	Ref     string `json:"ref"`
	CityRef string `json:"city_ref,omitempty"`
	Name    string `json:"name"`
	Area    string `json:"area"`
	Region  string `json:"region,omitempty"`
	Type    string `json:"type"`
	// NameRu, NameTranslit and RegionRu are known of those that were sought in
	// another language.
	NameRu       string `json:"name_ru,omitempty"`
	NameTranslit string `json:"name_translit,omitempty"`
	RegionRu     string `json:"region_ru,omitempty"`
}

func (s settlement) kind() kind {
	k, _ := kindOf(s.Type)
	return k
}

// search asks the vendor's fuzzy search for a name, which takes Ukrainian and
// Russian and answers in Ukrainian.
func (l *lookups) search(ctx context.Context, name string) ([]settlement, error) {
	return kept(ctx, l.copies, settlementCopy, "search "+strings.ToLower(name), func(ctx context.Context) ([]settlement, error) {
		var out []settlement
		for page := 1; ; page++ {
			var rows []struct {
				TotalCount text
				Addresses  []struct {
					Ref, DeliveryCity, MainDescription, Area, Region, SettlementTypeCode text
				}
			}
			_, err := l.client.call(ctx, "Address", "searchSettlements", map[string]any{
				"CityName": name, "Limit": strconv.Itoa(pageSize), "Page": strconv.Itoa(page),
			}, &rows)
			if err != nil {
				return nil, err
			}
			total, got := 0, 0
			for _, r := range rows {
				n, err := strconv.Atoi(string(r.TotalCount))
				if err == nil {
					total += n
				}
				got += len(r.Addresses)
				for _, a := range r.Addresses {
					out = append(out, settlement{
						Ref: string(a.Ref), CityRef: string(a.DeliveryCity), Name: string(a.MainDescription),
						Area: string(a.Area), Region: string(a.Region), Type: string(a.SettlementTypeCode),
					})
				}
			}
			if got == 0 || len(out) >= total {
				return out, nil
			}
			if page == maxPages {
				return nil, tooMany("name", name, total)
			}
		}
	})
}

// translated gives the settlements whose name in Russian or in Latin letters is
// p's, with those names. list is what the search found.
func (l *lookups) translated(ctx context.Context, p place, list []settlement) ([]settlement, error) {
	rows, err := l.namesakes(ctx, p.name, list)
	if err != nil {
		return nil, err
	}
	known := map[string]settlement{}
	learn := func(list []settlement) {
		for _, s := range list {
			known[s.Ref] = s
		}
	}
	learn(list)
	searched := map[string]bool{}
	var out []settlement
	for _, r := range rows {
		// The search alone tells the delivery city.
		if _, ok := known[r.Ref]; !ok && !searched[r.Name] {
			searched[r.Name] = true
			more, err := l.search(ctx, r.Name)
			if err != nil {
				return nil, err
			}
			learn(more)
		}
		if s, ok := known[r.Ref]; ok {
			s.NameRu, s.NameTranslit, s.RegionRu = r.NameRu, r.NameTranslit, r.RegionRu
			out = append(out, s)
		}
	}
	return out, nil
}

// namesakes asks for the settlements that have a name in any language: by the name,
// and where that finds none, one by one for those that the search found, if they
// are few. The vendor does not say in which languages the former works.
func (l *lookups) namesakes(ctx context.Context, name string, list []settlement) ([]settlement, error) {
	var out []settlement
	learn := func(by, value string) error {
		rows, err := l.settlements(ctx, by, value)
		for _, r := range rows {
			if named(name, r.Name, r.NameRu, r.NameTranslit) {
				out = append(out, r)
			}
		}
		return err
	}
	if err := learn("FindByString", name); err != nil {
		return nil, err
	}
	if len(out) > 0 || len(list) > maxOneByOne {
		return out, nil
	}
	for _, s := range list {
		if err := learn("Ref", s.Ref); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// settlements asks the directory of settlements, which holds their names in other
// languages and not their delivery cities, by FindByString or Ref.
func (l *lookups) settlements(ctx context.Context, by, value string) ([]settlement, error) {
	return kept(ctx, l.copies, settlementCopy, by+" "+strings.ToLower(value), func(ctx context.Context) ([]settlement, error) {
		var out []settlement
		for page := 1; ; page++ {
			var rows []struct {
				Ref, Description, DescriptionRu, DescriptionTranslit, RegionsDescriptionRu text
			}
			total, err := l.client.call(ctx, "Address", "getSettlements", map[string]any{
				by: value, "Limit": strconv.Itoa(settlementsPage), "Page": strconv.Itoa(page),
			}, &rows)
			if err != nil {
				return nil, err
			}
			for _, r := range rows {
				out = append(out, settlement{
					Ref: string(r.Ref), Name: string(r.Description),
					NameRu: string(r.DescriptionRu), NameTranslit: string(r.DescriptionTranslit), RegionRu: string(r.RegionsDescriptionRu),
				})
			}
			if len(rows) == 0 || len(out) >= total {
				return out, nil
			}
			if page == maxPages {
				return nil, tooMany("name", value, total)
			}
		}
	})
}

// branch is what is kept of a branch.
type branch struct {
	Ref         string `json:"ref"`
	Number      string `json:"number"`
	Description string `json:"description"`
	Type        string `json:"type"`
	Address     string `json:"address"`
	Status      string `json:"status"`
}

// lockers are the vendor's types of lockers: its own, and those it took over.
var lockers = map[string]bool{
	"f9316480-5f2d-425d-bc2c-ac7cd29decf0": true,
	"95dc212d-479c-4ffb-a8ab-8c1b9073d0bc": true,
}

// branches asks for the branches of a city with a number.
func (l *lookups) branches(ctx context.Context, city, number string) ([]branch, error) {
	return kept(ctx, l.copies, branchCopy, city+" "+number, func(ctx context.Context) ([]branch, error) {
		// WarehouseId finds by number; should it not, as it is not said of lockers, the
		// text is searched.
		for _, by := range []string{"WarehouseId", "FindByString"} {
			list, err := l.warehouses(ctx, city, by, number)
			if err != nil || len(list) > 0 {
				return list, err
			}
		}
		return nil, nil
	})
}

// warehouses gives those of a city's branches found that have exactly this number.
func (l *lookups) warehouses(ctx context.Context, city, by, number string) ([]branch, error) {
	var out []branch
	seen := 0
	for page := 1; ; page++ {
		var rows []struct {
			Ref, Number, Description, ShortAddress, TypeOfWarehouse, CategoryOfWarehouse, WarehouseStatus, CityRef text
		}
		total, err := l.client.call(ctx, "Address", "getWarehouses", map[string]any{
			"CityRef": city, by: number, "Limit": strconv.Itoa(pageSize), "Page": strconv.Itoa(page),
		}, &rows)
		if err != nil {
			return nil, err
		}
		seen += len(rows)
		for _, r := range rows {
			if trimZeros(string(r.Number)) != number || r.CityRef != "" && !strings.EqualFold(string(r.CityRef), city) {
				continue
			}
			b := branch{
				Ref: string(r.Ref), Number: number, Description: string(r.Description), Type: branchType,
				Address: string(r.ShortAddress), Status: string(r.WarehouseStatus),
			}
			if r.CategoryOfWarehouse == "Postomat" || lockers[strings.ToLower(string(r.TypeOfWarehouse))] {
				b.Type = lockerType
			}
			out = append(out, b)
		}
		if len(rows) == 0 || seen >= total {
			return out, nil
		}
		if page == maxPages {
			return nil, tooMany("number", number, total)
		}
	}
}

func tooMany(path, query string, total int) error {
	return sdk.Invalid(path, "too_vague", "Nova Poshta finds %d entries for %q, too many to choose from", total, query)
}

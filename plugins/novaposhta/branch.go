package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/outbound"
)

// branchQuestion is the arguments of the lookup branch.
type branchQuestion struct {
	City   string `json:"city"`
	Number text   `json:"number"`
	Text   string `json:"text"`
}

// name is the number and the type that are sought. A number that is given goes
// before the text's; the type is told by either's word.
func (q branchQuestion) name() (branchName, error) {
	if number := strings.TrimSpace(string(q.Number)); number != "" {
		b, err := parseBranch(number)
		if err != nil {
			return b, sdk.Invalid("number", "no_number", "%s", err)
		}
		if b.kind == anyBranch {
			// The text may hold other numbers, or none: its word counts here.
			b.kind = typeIn(strings.ToLower(clean(q.Text)))
		}
		return b, nil
	}
	b, err := parseBranch(q.Text)
	if err != nil {
		return b, sdk.Invalid("text", "no_number", "%s", err)
	}
	return b, nil
}

// isRef tells the form of the vendor's refs, a UUID.
func isRef(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, r := range s {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (r == '-') || !dash && !strings.ContainsRune("0123456789abcdef", r) {
			return false
		}
	}
	return true
}

// branch answers the lookup branch: the only branch of the city with the number.
func (l *lookups) branch(ctx context.Context, q branchQuestion) (branch, error) {
	city := strings.ToLower(strings.TrimSpace(q.City))
	if !isRef(city) {
		return branch{}, sdk.Invalid("city", "no_ref", "%q is no ref of a city: give the ref that the lookup city answers", outbound.Shorten(q.City))
	}
	want, err := q.name()
	if err != nil {
		return branch{}, err
	}
	list, err := l.branches(ctx, city, want.number)
	if err != nil {
		return branch{}, err
	}
	list = oftype(list, want.kind)
	switch len(list) {
	case 0:
		return branch{}, sdk.NotFound("Nova Poshta has no %s with the number %s in the city %s", noun(want.kind), want.number, city)
	case 1:
		return list[0], nil
	}
	several := &sdk.AmbiguousError{}
	var names []string
	for _, b := range list {
		raw, err := json.Marshal(b)
		if err != nil {
			return branch{}, fmt.Errorf("write a candidate: %w", err)
		}
		several.Candidates = append(several.Candidates, raw)
		names = append(names, b.Description)
	}
	several.Message = fmt.Sprintf("the number %s has %d branches in the city %s, tell them apart by the word Відділення or Поштомат: %s",
		want.number, len(list), city, strings.Join(names[:min(len(names), maxListed)], "; "))
	return branch{}, several
}

// oftype keeps what a word allows. Who says locker means one; people say branch of
// both, so that word only decides between them.
func oftype(list []branch, kind string) []branch {
	var out []branch
	for _, b := range list {
		if kind == anyBranch || b.Type == kind {
			out = append(out, b)
		}
	}
	if len(out) == 0 && kind == branchType {
		return list
	}
	return out
}

func noun(kind string) string {
	if kind == lockerType {
		return "parcel locker"
	}
	return "branch"
}

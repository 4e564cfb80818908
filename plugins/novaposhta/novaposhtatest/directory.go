package novaposhtatest

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
)

var (
	//go:embed places.txt
	placesText string
	//go:embed villages.txt
	villagesText string
)

// place is a settlement.
type place struct {
	ref, cityRef   string
	kind           string // m, s, t as in places.txt
	name, nameRu   string
	area, region   string
	warehouses     []warehouse
	branches, lock int
}

// warehouse is a branch, a locker or a pick-up point of a settlement.
type warehouse struct {
	ref      string
	number   int
	category string // Branch, Postomat, DropOff
	house    string
	street   street
	at       *place
}

// street is a street that most towns have.
type street struct{ name, nameRu string }

var streets = [...]street{
	{"вул. Шевченка", "ул. Шевченко"},
	{"вул. Лесі Українки", "ул. Леси Украинки"},
	{"вул. Івана Франка", "ул. Ивана Франко"},
	{"вул. Соборна", "ул. Соборная"},
	{"вул. Центральна", "ул. Центральная"},
	{"просп. Свободи", "просп. Свободы"},
	{"вул. Садова", "ул. Садовая"},
	{"вул. Незалежності", "ул. Независимости"},
	{"вул. Вокзальна", "ул. Вокзальная"},
	{"вул. Зелена", "ул. Зелёная"},
	{"пл. Ринок", "пл. Рынок"},
	{"просп. Миру", "просп. Мира"},
}

// areasRu are the areas in Russian.
var areasRu = map[string]string{
	"Вінницька":         "Винницкая",
	"Волинська":         "Волынская",
	"Дніпропетровська":  "Днепропетровская",
	"Донецька":          "Донецкая",
	"Житомирська":       "Житомирская",
	"Закарпатська":      "Закарпатская",
	"Запорізька":        "Запорожская",
	"Івано-Франківська": "Ивано-Франковская",
	"Київська":          "Киевская",
	"Кіровоградська":    "Кировоградская",
	"Луганська":         "Луганская",
	"Львівська":         "Львовская",
	"Миколаївська":      "Николаевская",
	"Одеська":           "Одесская",
	"Полтавська":        "Полтавская",
	"Рівненська":        "Ровенская",
	"Сумська":           "Сумская",
	"Тернопільська":     "Тернопольская",
	"Харківська":        "Харьковская",
	"Херсонська":        "Херсонская",
	"Хмельницька":       "Хмельницкая",
	"Черкаська":         "Черкасская",
	"Чернівецька":       "Черновицкая",
	"Чернігівська":      "Черниговская",
}

// kinds are the words for the kinds of settlements.
var kinds = map[string]struct{ code, ref, name, nameRu, nameEn string }{
	"m": {"м.", "563ced10-f210-11e3-8c4a-0050568002cf", "місто", "город", "city"},
	"s": {"с.", "563ced13-f210-11e3-8c4a-0050568002cf", "село", "село", "village"},
	"t": {"смт.", "563ced11-f210-11e3-8c4a-0050568002cf", "селище міського типу", "поселок городского типа", "township"},
}

// The vendor's types of branches.
const (
	typeBranch = "841339c7-591a-42e2-8233-7a0a00f0ed6f"
	typeLocker = "f9316480-5f2d-425d-bc2c-ac7cd29decf0"
	typeShop   = "6f8c7162-4b72-4b0a-88e5-906948c6a92f"
	// kyiv25 is the ref of the capital's branch 25.
	kyiv25 = "16922859-e1c2-11e3-8c4a-0050568002cf"
)

// read makes the settlements of the embedded lists, those with most branches first.
func read() []*place {
	var out []*place
	for _, c := range lines(placesText) {
		p := &place{kind: c[0], name: c[1], nameRu: c[2], area: c[3], region: c[4], branches: number(c[5]), lock: number(c[6])}
		if len(c) > 8 {
			p.ref, p.cityRef = c[7], c[8]
		}
		out = append(out, p)
	}
	for _, c := range lines(villagesText) {
		for part := range strings.SplitSeq(c[2], ";") {
			area, regions, _ := strings.Cut(part, ":")
			for region := range strings.SplitSeq(regions, ",") {
				p := &place{kind: "s", name: c[0], nameRu: c[1], area: strings.TrimSpace(area), region: strings.TrimSpace(region)}
				if hash(p.path())%3 == 0 {
					p.branches = 1
				}
				out = append(out, p)
			}
		}
	}
	for _, p := range out {
		p.ref = cmp.Or(p.ref, uuid("settlement", p.path()))
		p.cityRef = cmp.Or(p.cityRef, uuid("city", p.path()))
		p.open()
	}
	slices.SortStableFunc(out, func(a, b *place) int {
		return cmp.Or(cmp.Compare(len(b.warehouses), len(a.warehouses)), strings.Compare(a.name, b.name), strings.Compare(a.area, b.area), strings.Compare(a.region, b.region))
	})
	return out
}

// open gives a settlement its branches, in the order of their numbers.
func (p *place) open() {
	add := func(n int, category string) {
		id := p.path() + "|" + category + strconv.Itoa(n)
		h := hash(id)
		p.warehouses = append(p.warehouses, warehouse{
			ref: uuid("warehouse", id), number: n, category: category, at: p,
			street: streets[h%uint32(len(streets))], house: strconv.Itoa(int(1 + h/16%120)),
		})
	}
	for n := range p.branches {
		add(n+1, "Branch")
	}
	for n := range p.lock {
		switch {
		case p.name == "Київ":
			add(43950+n, "Postomat")
		case p.name == "Полтава" && n == 0:
			add(4, "Postomat")
		default:
			add(5000+int(hash(p.path())%4000)*10+n, "Postomat")
		}
	}
	if p.name == "Суми" {
		add(3, "DropOff")
	}
	if p.name == "Київ" && p.branches > 25 {
		w := &p.warehouses[24]
		w.ref, w.street, w.house = kyiv25, street{"вул. М. Тимошенка", "ул. М. Тимошенко"}, "9"
	}
	slices.SortStableFunc(p.warehouses, func(a, b warehouse) int { return cmp.Compare(a.number, b.number) })
}

// path tells a settlement from all others.
func (p *place) path() string { return p.kind + "|" + p.name + "|" + p.area + "|" + p.region }

// present is a settlement as the search shows it.
func (p *place) present() string {
	parts := []string{kinds[p.kind].code + " " + p.name}
	if p.region != "" {
		if strings.HasSuffix(p.region, "міськрада") {
			parts = append(parts, p.region)
		} else {
			parts = append(parts, p.region+" р-н")
		}
	}
	return strings.Join(append(parts, p.area+" обл."), ", ")
}

// description is a branch's name in Ukrainian and in Russian.
func (w *warehouse) description() (uk, ru string) {
	addr, addrRu := w.street.name+", "+w.house, w.street.nameRu+", "+w.house
	switch {
	case w.category == "Postomat":
		return fmt.Sprintf(`Поштомат "Нова Пошта" №%d: %s`, w.number, addr), fmt.Sprintf(`Почтомат "Новая Почта" №%d: %s`, w.number, addrRu)
	case w.category == "DropOff":
		return fmt.Sprintf("Пункт приймання-видачі (до 30 кг) №%d: %s", w.number, addr), fmt.Sprintf("Пункт приема-выдачи (до 30 кг) №%d: %s", w.number, addrRu)
	case w.number%3 == 1:
		return fmt.Sprintf("Відділення №%d: %s", w.number, addr), fmt.Sprintf("Отделение №%d: %s", w.number, addrRu)
	case w.number%3 == 2:
		return fmt.Sprintf("Відділення №%d (до 30 кг на одне місце): %s", w.number, addr), fmt.Sprintf("Отделение №%d (до 30 кг на одно место): %s", w.number, addrRu)
	}
	return fmt.Sprintf("Відділення №%d (до 30 кг): %s", w.number, addr), fmt.Sprintf("Отделение №%d (до 30 кг): %s", w.number, addrRu)
}

func (w *warehouse) typeRef() string {
	switch w.category {
	case "Postomat":
		return typeLocker
	case "DropOff":
		return typeShop
	}
	return typeBranch
}

// lines are a list's lines, each in its columns.
func lines(text string) [][]string {
	var out [][]string
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l != "" && l[0] != '#' {
			out = append(out, strings.Split(l, "|"))
		}
	}
	return out
}

// number reads a column of the embedded lists, which the tests hold to be digits.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

func hash(s string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s)) // it never fails
	return h.Sum32()
}

// uuid makes a ref of a name, in the form of a UUID of version 8 (RFC 9562).
func uuid(kind, name string) string {
	sum := sha256.Sum256([]byte(kind + "|" + name))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

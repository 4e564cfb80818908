package main

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzParsePlace: whatever a shop writes, reading it ends, gives valid text, and
// what was cleaned once stays as it is.
func FuzzParsePlace(f *testing.F) {
	for _, s := range []string{
		"Київ", "м. Київ", "с. Іванівка (Одеська обл.)", "Київська обл., м. Київ", "Івано - Франківськ", "Київ - Київська обл.",
		"АР Крим, Сімферополь", "п.Іванівка;р-н Березівський", "обл.", "(((", " - - ", "м.", "\u0301\u0308и\u0306", "Kиїв\xff", "İ обл", "İл", "ΑР КРИМ",
	} {
		f.Add(s)
	}
	g := newGazetteer()
	f.Fuzz(func(t *testing.T, s string) {
		c := clean(s)
		if again := clean(c); again != c || !utf8.ValidString(c) {
			t.Fatalf("%q cleans to %q, and that to %q", s, c, again)
		}
		if k := sameKey(s); sameKey(k) != k {
			t.Fatalf("%q has the key %q, and that %q", s, k, sameKey(k))
		}
		p, err := parsePlace(s)
		if err != nil {
			return
		}
		if p.name == "" || strings.ContainsAny(p.name, "(),;") || !utf8.ValidString(p.name) {
			t.Fatalf("%q gives %+v", s, p)
		}
		// A settlement that is named and placed just so is found, but for names that
		// hold none of what counts.
		if sameKey(p.name) == "" || len(p.hints) > 0 {
			return
		}
		own := settlement{Name: p.name, Area: p.area, Region: p.region, Type: map[kind]string{anyKind: "с.", town: "м.", village: "с.", township: "смт."}[p.kind]}
		if district(p.region) != "" && !own.fits(p, g) || p.region == "" && !own.fits(p, g) {
			t.Fatalf("%q gives %+v, which is not itself", s, p)
		}
	})
}

// FuzzParseBranch: a number is digits that stand in the text.
func FuzzParseBranch(f *testing.F) {
	for _, s := range []string{"Відділення №2: вул. Шевченка, 14", "Отделение №13 (до 30 кг)", `Поштомат "Нова Пошта" №43950`, "5", "№005", "2-е отделение", "вул. Садова 5", "НП №1", "10\x960000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := parseBranch(s)
		if err != nil {
			return
		}
		if b.number == "" || len(b.number) > 8 || strings.Trim(b.number, "0123456789") != "" || !strings.Contains(clean(s), b.number) {
			t.Fatalf("%q gives %+v", s, b)
		}
	})
}

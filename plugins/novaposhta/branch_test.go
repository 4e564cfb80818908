package main

import (
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

func TestBranch(t *testing.T) {
	_, conn := fake(t, nil)
	poltava, sumy := conn.cityRef("Полтава"), conn.cityRef("Суми")
	type args = map[string]any
	for _, tt := range []struct {
		args args
		want string
	}{
		{args{"city": kyivCity, "number": 25}, "branch 25"},
		{args{"city": kyivCity, "number": "25"}, "branch 25"},
		{args{"city": kyivCity, "number": "№ 025"}, "branch 25"},
		{args{"city": strings.ToUpper(kyivCity), "number": 25}, "branch 25"},
		{args{"city": kyivCity, "text": "Відділення №2: вул. Шевченка, 14"}, "branch 2"},
		{args{"city": kyivCity, "text": "Отделение №13 (до 30 кг на одно место): просп. Строителей, 98"}, "branch 13"},
		{args{"city": kyivCity, "text": `Поштомат "Нова Пошта" №43950: вул. Садова, 5 (під'їзд №2)`}, "locker 43950"},
		{args{"city": kyivCity, "text": "Почтомат №43950"}, "locker 43950"},
		{args{"city": kyivCity, "text": "Відділення 2"}, "branch 2"},
		{args{"city": kyivCity, "text": "7"}, "branch 7"},
		{args{"city": kyivCity, "text": "нова пошта 5 відділення"}, "branch 5"},
		// One number, two kinds: the word decides, and without it nobody does.
		{args{"city": poltava, "text": "Відділення №4 (до 30 кг на одне місце): вул. Соборності, 51"}, "branch 4"},
		{args{"city": poltava, "text": "Поштомат №4"}, "locker 4"},
		{args{"city": poltava, "number": 4}, "AMBIGUOUS"},
		{args{"city": poltava, "number": 4, "text": "Поштомат біля входу"}, "locker 4"},
		{args{"city": poltava, "number": "4", "text": "Отделение №4"}, "branch 4"},
		{args{"city": sumy, "text": "Відділення №3"}, "AMBIGUOUS"},
		// People say branch of lockers, and not the other way round.
		{args{"city": kyivCity, "text": "Відділення №43950"}, "locker 43950"},
		{args{"city": kyivCity, "text": "Поштомат №25"}, "NOT_FOUND"},
		{args{"city": kyivCity, "number": 9999}, "NOT_FOUND"},
		{args{"city": "00000000-0000-0000-0000-000000000000", "number": 1}, "NOT_FOUND"},
		// Questions that cannot be asked.
		{args{"city": "Київ", "number": 1}, "INVALID no_ref"},
		{args{"city": kyivCity}, "INVALID no_number"},
		{args{"city": kyivCity, "text": "вул. Хрещатик, 1"}, "INVALID no_number"},
		{args{"city": kyivCity, "number": 1.5}, "INVALID no_number"},
		{args{"city": kyivCity, "text": "Відділення №2, поштомат №43950"}, "INVALID no_number"},
		{args{"city": kyivCity, "number": []int{1}}, "INVALID bad_arguments"},
	} {
		if got := conn.branchIn(tt.args); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%v\n got %s\nwant %s", tt.args, got, tt.want)
		}
	}
}

// TestBranchAnswer looks at every field of an answer, and at an ambiguous one.
func TestBranchAnswer(t *testing.T) {
	_, conn := fake(t, nil)
	a := conn.find(lookupBranch, map[string]any{"city": kyivCity, "number": 25})
	const want = `{"ref":"16922859-e1c2-11e3-8c4a-0050568002cf","number":"25","description":"Відділення №25: вул. М. Тимошенка, 9",` +
		`"type":"branch","address":"Київ, М. Тимошенка, 9","status":"Working"}`
	if string(a.Found) != want {
		t.Errorf("got  %s\nwant %s", a.Found, want)
	}
	poltava := conn.cityRef("Полтава")
	a = conn.find(lookupBranch, map[string]any{"city": poltava, "number": 4})
	if a.Failure == nil || a.Failure.Class != wire.Ambiguous || len(a.Candidates) != 2 ||
		!strings.Contains(a.Failure.Message, "Відділення №4: ") || !strings.Contains(a.Failure.Message, `Поштомат "Нова Пошта" №4: `) {
		t.Errorf("%v, %s", a.Failure, a.Candidates)
	}
}

func TestParseBranch(t *testing.T) {
	for _, tt := range []struct{ text, number, kind string }{
		{"Відділення №2: вул. Київська, 10", "2", branchType},
		{"Відділення № 2", "2", branchType},
		{"ВІДДІЛЕННЯ №2", "2", branchType},
		{"Вiддiлення №2", "2", branchType}, // Latin i
		{"Відділення Нової Пошти №12", "12", branchType},
		{"Відділення \"Нова Пошта\" 12", "12", branchType},
		{"Пункт приймання-видачі (до 30 кг) №5: вул. Садова, 7", "5", branchType},
		{"Отделение (до 30 кг) №8", "8", branchType},
		{"Отделение Новой Почты, №8", "8", branchType},
		{"Склад №3", "3", branchType},
		{"Київ, Відділення №5, вул. Садова, 12", "5", branchType},
		{"відділення номер 17", "17", branchType},
		{"2-е отделение", "2", branchType},
		{"Нова Пошта №12", "12", anyBranch},
		{"НП №12", "12", anyBranch},
		{"#12", "12", anyBranch},
		{"Поштомат №43950", "43950", lockerType},
		{`Почтомат "Новая Почта" №26010: ул. Садовая, 3`, "26010", lockerType},
		{"Відділення №7, відділення №7", "7", branchType},
		{"Відділення №0", "0", branchType},
		// No branch's number.
		{"", "", ""},
		{"вул. Садова, 5", "", ""},
		{"школа №5, вул. Садова", "", ""},
		{"відділення, вул. Садова 5", "", ""},
		{"відділення вул. Садова 5", "", ""},
		{"відділення: вул. Садова 5", "", ""},
		{"Шевченка 5 відділення", "", ""},
		{"Відділення №1 або №2, відділення №3", "", ""},
		{"Відділення №123456789", "", ""},
		{strings.Repeat("я", 1001), "", ""},
	} {
		b, err := parseBranch(tt.text)
		if err == nil != (tt.number != "") || err == nil && (b.number != tt.number || b.kind != tt.kind) {
			t.Errorf("%q: got %q %q %v, want %q %q", tt.text, b.number, b.kind, err, tt.number, tt.kind)
		}
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/plugins/novaposhta/novaposhtatest"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

func TestCity(t *testing.T) {
	_, conn := fake(t, nil)
	const kyiv = "м. Київ (Київська обл.)"
	type args = map[string]any
	for _, tt := range []struct {
		args args
		want string
	}{
		// As shops write one town.
		{args{"name": "Київ"}, kyiv},
		{args{"name": "  КИЇВ "}, kyiv},
		{args{"name": "м. Київ"}, kyiv},
		{args{"name": "м.Київ"}, kyiv},
		{args{"name": "місто Київ"}, kyiv},
		{args{"name": "Київ, Київська обл."}, kyiv},
		{args{"name": "Київ (Київська область)"}, kyiv},
		{args{"name": "Київська обл., м. Київ"}, kyiv},
		{args{"name": "Київська обл. Київ"}, kyiv},
		{args{"name": "Київ, Київська"}, kyiv},
		{args{"name": "Київ - Київська обл."}, kyiv},
		{args{"name": "м. Київ, Київ"}, kyiv},
		{args{"name": "Україна, 01001, Київ"}, kyiv},
		{args{"name": "01001, Київ, Україна"}, kyiv},
		{args{"name": "Київська область, м. Київ"}, kyiv},
		{args{"name": "Kиїв"}, kyiv},                   // a Latin K
		{args{"name": "Киі\u0308в", "area": ""}, kyiv}, // ї of two code points
		{args{"name": "Ки\u00adїв\u200b"}, kyiv},
		{args{"name": "Київ", "area": "Київська обл.", "type": "місто"}, kyiv},
		// Russian and Latin names.
		{args{"name": "Киев"}, kyiv},
		{args{"name": "г. Киев"}, kyiv},
		{args{"name": "г.Киев, Киевская обл."}, kyiv},
		{args{"name": "Kyiv"}, kyiv},
		{args{"name": "Kiev"}, kyiv},
		{args{"name": "Kyiv, Kyiv oblast"}, kyiv},
		{args{"name": "Днепропетровск"}, "м. Дніпро (Дніпропетровська обл.)"},
		{args{"name": "Ровно"}, "м. Рівне (Рівненська обл.)"},
		{args{"name": "Белая Церковь"}, "м. Біла Церква (Київська обл., Білоцерківська міськрада)"},
		{args{"name": "город Кривой Рог"}, "м. Кривий Ріг (Дніпропетровська обл., Криворізька міськрада)"},
		{args{"name": "Bucha"}, "м. Буча (Київська обл., Бучанська міськрада)"},
		{args{"name": "с. Ивановка, Березовский р-н, Одесская обл."}, "NOT_FOUND"}, // there it is a township
		{args{"name": "пгт Ивановка, Березовский р-н, Одесская обл."}, "смт. Іванівка (Одеська обл., Березівський р-н)"},
		{args{"name": "село Михайловка Таращанский район Киевская область"}, "с. Михайлівка (Київська обл., Таращанський р-н)"},
		// Apostrophes and hyphens.
		{args{"name": "Кам'янське"}, "м. Кам'янське (Дніпропетровська обл., Кам'янська міськрада)"},
		{args{"name": "Кам’янське"}, "м. Кам'янське (Дніпропетровська обл., Кам'янська міськрада)"},
		{args{"name": "Камʼянське"}, "м. Кам'янське (Дніпропетровська обл., Кам'янська міськрада)"},
		{args{"name": "Івано - Франківськ"}, "м. Івано-Франківськ (Івано-Франківська обл.)"},
		{args{"name": "Івано–Франківськ, Івано-Франківська обл."}, "м. Івано-Франківськ (Івано-Франківська обл.)"},
		{args{"name": "П'ятихатки"}, "м. П'ятихатки (Дніпропетровська обл., П'ятихатський р-н)"},
		// Villages of one name, told apart by the name itself or by arguments.
		{args{"name": "с. Іванівка (Волинська обл.)"}, "с. Іванівка (Волинська обл., Рожищенський р-н)"},
		{args{"name": "Iванiвка (Рожищенський р-н)"}, "с. Іванівка (Волинська обл., Рожищенський р-н)"}, // Latin i
		{args{"name": "Іванівка", "area": "Одеська", "region": "Саратський район"}, "с. Іванівка (Одеська обл., Саратський р-н)"},
		{args{"name": "смт Іванівка"}, "смт. Іванівка (Одеська обл., Березівський р-н)"},
		{args{"name": "селище Іванівка"}, "смт. Іванівка (Одеська обл., Березівський р-н)"},
		{args{"name": "Іванівка", "type": "смт"}, "смт. Іванівка (Одеська обл., Березівський р-н)"},
		{args{"name": "Одеська обл., Саратський р-н, с. Іванівка"}, "с. Іванівка (Одеська обл., Саратський р-н)"},
		{args{"name": "с. Київ"}, "с. Київ (Миколаївська обл., Доманівський р-н)"},
		{args{"name": "с. Киев, Николаевская область"}, "с. Київ (Миколаївська обл., Доманівський р-н)"},
		// A bare name means the centre of an area, or the only town among villages.
		{args{"name": "Рівне"}, "м. Рівне (Рівненська обл.)"},
		{args{"name": "Миколаїв"}, "м. Миколаїв (Миколаївська обл.)"},
		{args{"name": "Миколаїв, Львівська обл."}, "м. Миколаїв (Львівська обл., Миколаївський р-н)"},
		{args{"name": "Буча"}, "м. Буча (Київська обл., Бучанська міськрада)"},
		{args{"name": "с. Буча"}, "с. Буча (Житомирська обл., Коростишівський р-н)"},
		// Names with a word that is a type elsewhere.
		{args{"name": "Нова Україна", "area": "Полтавська"}, "NOT_FOUND"},
		// None.
		{args{"name": "Гадюкіно"}, "NOT_FOUND"},
		{args{"name": "Київ, Одеська обл."}, "NOT_FOUND"},
		{args{"name": "Київ, вул. Хрещатик 1"}, "NOT_FOUND"},
		{args{"name": "Киї"}, "NOT_FOUND"},
		// Questions that cannot be asked.
		{args{"name": "Київська обл."}, "INVALID no_settlement"},
		{args{"name": " "}, "INVALID no_settlement"},
		{args{}, "INVALID no_settlement"},
		{args{"name": "Київ", "type": "острів"}, "INVALID unknown_type"},
		{args{"name": "с. Київ", "type": "місто"}, "INVALID contradiction"},
		{args{"name": "Київ", "area": "обл."}, "INVALID no_area"},
		{args{"name": strings.Repeat("я", 201)}, "INVALID no_settlement"},
		{args{"name": 5}, "INVALID bad_arguments"},
	} {
		if got := conn.city(tt.args); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%v\n got %s\nwant %s", tt.args, got, tt.want)
		}
	}
}

// TestCityAnswer looks at every field of an answer.
func TestCityAnswer(t *testing.T) {
	_, conn := fake(t, nil)
	a := conn.find(lookupCity, map[string]any{"name": "Київ"})
	const want = `{"ref":"` + kyivCity + `","settlement_ref":"` + kyivSettlement + `","name":"Київ","area":"Київська","region":"","type":"м."}`
	if string(a.Found) != want {
		t.Errorf("got  %s\nwant %s", a.Found, want)
	}
}

// TestAmbiguousCity: the message alone has to tell a person what there is.
func TestAmbiguousCity(t *testing.T) {
	_, conn := fake(t, nil)
	a := conn.find(lookupCity, map[string]any{"name": "с. Іванівка (Одеська обл.)"})
	const want = `"с. Іванівка (Одеська обл.)" may be any of 2 settlements, tell them apart by area, region or type: ` +
		`с. Іванівка (Одеська обл., Лиманський р-н); с. Іванівка (Одеська обл., Саратський р-н)`
	if a.Failure == nil || a.Failure.Class != wire.Ambiguous || a.Failure.Message != want {
		t.Errorf("got  %v\nwant %s", a.Failure, want)
	}
	if len(a.Candidates) != 2 {
		t.Fatalf("%d candidates", len(a.Candidates))
	}
	var first cityAnswerRow
	if err := json.Unmarshal(a.Candidates[0], &first); err != nil || first.Region != "Лиманський" || !isRef(first.Ref) {
		t.Errorf("%s: %v", a.Candidates[0], err)
	}
	many := conn.find(lookupCity, map[string]any{"name": "Иванiвка"})
	if many.Failure == nil || many.Failure.Class != wire.NotFound {
		t.Errorf("neither Ukrainian nor Russian: %v", many.Failure)
	}
	many = conn.find(lookupCity, map[string]any{"name": "Ивановка"})
	if many.Failure == nil || many.Failure.Class != wire.Ambiguous || !strings.Contains(many.Failure.Message, "and 5 more") {
		t.Errorf("many: %v", many.Failure)
	}
	towns := conn.find(lookupCity, map[string]any{"name": "м. Городок"})
	if towns.Failure == nil || !strings.Contains(towns.Failure.Message, "м. Городок (Львівська обл., Городоцький р-н); м. Городок (Хмельницька обл., Городоцький р-н)") {
		t.Errorf("towns: %v", towns.Failure)
	}
}

// TestRussianByRef: where the directory does not find Russian names, what the
// search found is asked for one by one.
func TestRussianByRef(t *testing.T) {
	api := novaposhtatest.New(novaposhtatest.Options{})
	conn := connect(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if strings.Contains(string(body), `"FindByString"`) {
			_, _ = w.Write([]byte(`{"success":true,"data":[],"info":[]}`))
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		api.ServeHTTP(w, r)
	})), nil)
	if got := conn.city(map[string]any{"name": "Белая Церковь"}); got != "м. Біла Церква (Київська обл., Білоцерківська міськрада)" {
		t.Error(got)
	}
}

// TestCityWithoutDelivery: a settlement whose delivery city the vendor does not
// tell gives no ref to send on.
func TestCityWithoutDelivery(t *testing.T) {
	conn := connect(t, serve(t, say(200, `{"success":true,"data":[{"TotalCount":1,"Addresses":[{"Ref":"`+kyivSettlement+
		`","DeliveryCity":null,"MainDescription":"Хутір","Area":"Одеська","Region":"","SettlementTypeCode":"с."}]}]}`)), nil)
	if got := conn.city(map[string]any{"name": "Хутір"}); got != "NOT_FOUND not_found: Nova Poshta has no delivery city for с. Хутір (Одеська обл.)" {
		t.Error(got)
	}
}

package main

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

func TestParseAnswer(t *testing.T) {
	for body, want := range map[string]struct {
		refused bool
		id      string
		orders  int
	}{
		`{"error":"false","error_description":"Документ успішно створено!","create_id":134}`: {id: "134"},
		`{"error":false,"create_id":"134"}`:                          {id: "134"},
		`{"error":0,"create_id":12345678901234567890123}`:            {id: "12345678901234567890123"},
		"\ufeff\r\n" + `{"error":"0"}` + "\n":                        {},
		`{"error":"true","error_description":"Ні"}`:                  {refused: true},
		`{"error":"TRUE"}`:                                           {refused: true},
		`{"error":1}`:                                                {refused: true},
		`{"error":"false","response":[]}`:                            {},
		`{"error":"false","response":null}`:                          {},
		`{"error":"false","response":""}`:                            {},
		`{"error":"false","response":{}}`:                            {},
		`{"error":"false","response":[{"id":"7"},{"id":8}]}`:         {orders: 2},
		`{"error":"false","response":{"1":{"id":"7"},"3":{"id":8}}}`: {orders: 2},
		`{"error":"false","response":{"id":"7"}}`:                    {orders: 1},
	} {
		a, err := parseAnswer([]byte(body))
		if err != nil || a.refused != want.refused || a.createID != want.id || len(a.orders) != want.orders {
			t.Errorf("%s: %+v, %v", body, a, err)
		}
	}
	for _, body := range []string{
		"", "  ", "<html>", "null", "[]", `"false"`, `{}`, `{"error":null}`, `{"error":""}`, `{"error":"перевірте"}`, `{"error":{}}`,
		`{"error":"false","response":"щось"}`, `{"error":"false","response":[1]}`, `{"error":"false","response":[{"number":1}]}`,
		`{"error":"false","response":[{"id":""}]}`, `{"error":"false"}}`, `{"error":"false"`,
	} {
		if a, err := parseAnswer([]byte(body)); err == nil {
			t.Errorf("%q is read as %+v", body, a)
		}
	}
}

func TestTextsAboutTheKey(t *testing.T) {
	for text, want := range map[string]bool{
		"Невірний ключ доступу secret_key":      true,
		"Невірний ключ":                         true,
		"Недійсний глобальний ключ організації": true,
		"Ключ доступу не знайдено":              true,
		"ключ контрагента неактивний":           true,
		"Доступ заборонено":                     true,
		"Wrong secret key":                      true,
		"Access denied":                         true,
		"":                                      false,
		"Гайковий ключ не знайдено":             false,
		`Товар "Невірний ключ" не знайдено`:     false,
		"Товар «Ключ доступу» не вказано":       false,
		"Поле client_id не заповнюється при використанні ключа контрагента, не вказано sku": false,
		"Замовлення не знайдено": false,
	} {
		if a := (answer{refused: true, description: text}); a.aboutKey() != want {
			t.Errorf("%q: %t", text, !want)
		}
	}
	if a := (answer{description: "secret_key"}); a.aboutKey() {
		t.Error("a success is taken for a refusal of the key")
	}
}

// The document leaves open whether a search that finds nothing is refused.
func TestTextsAboutNoOrder(t *testing.T) {
	for text, want := range map[string]bool{
		"Замовлення не знайдено":                   true,
		`Замовлення з external_id "A" не знайдено`: true,
		"Документ відсутній":                       true,
		"Не знайдено жодного":                      false,
		"Не знайдено замовлень":                    true,
		"Order not found": true,
		"Контрагента не знайдено":            false,
		"Помилка бази даних":                 false,
		`Помилка у "Замовлення не знайдено"`: false,
		"": false,
	} {
		if a := (answer{refused: true, description: text}); a.foundNone() != want {
			t.Errorf("%q: %t", text, !want)
		}
	}
}

func FuzzParseAnswer(f *testing.F) {
	f.Add([]byte(`{"error":"false","error_description":"","response":[{"id":"74","products":[{"id":"40","supplier_ids":[]}],"custom_fields":[]}]}`))
	f.Add([]byte(`{"error":"false","create_id":134,"deleted":[{"id":"1"}]}`))
	f.Add([]byte(`{"error":"true","error_description":"products[1]: city_ref"}`))
	schema := gjson.Parse(string(orderSchema()))
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := parseAnswer(body)
		if err != nil {
			return
		}
		a.aboutKey()
		a.foundNone()
		a.blames(func(string) bool { return true })
		for _, o := range a.orders {
			if got := typed(o, schema); !json.Valid(got) && utf8.Valid(body) {
				t.Fatalf("%s became %s", o.Raw, got)
			}
		}
	})
}

package suggest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
	"github.com/crosswalk-etl/crosswalk/engine/suggest"
)

// fieldsOf makes a schema of fields, each written name:type:label.
func fieldsOf(t *testing.T, fields ...string) *schema.Schema {
	t.Helper()
	properties := map[string]any{}
	for _, f := range fields {
		parts := strings.SplitN(f, ":", 3)
		p := map[string]any{"type": parts[1], "title": parts[2]}
		if parts[1] == "flag" {
			p["type"], p["enum"] = "integer", []int{0, 1}
		}
		properties[parts[0]] = p
	}
	text, err := json.Marshal(map[string]any{"type": "object", "properties": properties})
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestTraps holds fields against those that look like them and are others. What is
// wanted is the path that is suggested, "" for none.
func TestTraps(t *testing.T) {
	for _, tt := range []struct {
		sink   string
		source []string
		want   string
	}{
		{"delivery_amount:integer:Сума післяплати (оплата при отриманні)", []string{"delivery_price:number:shipping cost", "delivery_sum:number:Вартість доставки"}, ""},
		{"delivery_amount:integer:Сума післяплати", []string{"delivery_price:number:shipping cost", "postpay:number:Наложенный платеж, сумма"}, "postpay"},
		{"client_id:string:Айді контрагента SaleApp", []string{"clientId:string:ID контрагента"}, ""},
		{"discount_percent:number:Відсоток знижки", []string{"percentDiscount:flag:0 - знижка в гривнях, 1 - знижка в %"}, ""},
		{"discount_percent:number:Відсоток знижки", []string{"discountSum:number:Сума знижки", "personal:number:Процент скидки"}, "personal"},
		{"city_ref:string:Ідентифікатор міста у системі перевізника", []string{"city:string:Місто", "cityId:integer:Ідентифікатор міста в Geohelper"}, ""},
		{"city_ref:string:Ідентифікатор міста у системі перевізника", []string{"city:string:Місто", "cityRef:string:Ref міста в системі Нової Пошти"}, "cityRef"},
		{"city:string:Назва міста", []string{"city:integer:ID міста", "gorod:string:Город"}, "gorod"},
		{"cost:number:Ціна за одну шт. товару", []string{"costPrice:number:Собівартість"}, ""},
		{"cost:number:Ціна за одну шт. товару", []string{"costPrice:number:Себестоимость", "stoimost:number:Цена"}, "stoimost"},
		{"qty:number:Кількість товару", []string{"amount:number:Сума", "kolvo:number:Количество"}, "kolvo"},
		{"qty:number:Кількість товару", []string{"amount:number:Сума"}, ""},
		{"paid:boolean:Чи оплачено", []string{"paidSum:number:Оплаченная сумма", "payed:flag:whether the order is paid"}, "payed"},
		{"status:string:Статус замовлення", []string{"statusComment:string:Комментарий к статусу", "createdAt:string:Дата статуса"}, ""},
		{"created:string:Дата створення", []string{"statusUpdatedAt:string:Дата последнего изменения статуса", "order:string:Заказ создан"}, ""},
		{"receiver_phone:string:Телефон отримувача", []string{"senderPhone:string:Телефон відправника", "tel:string:Телефон"}, "tel"},
		{"type:string:id тегів замовлень", []string{"type:string:Тип замовлення", "orderId:integer:ID замовлення"}, ""},
		{"comment:string:Коментар", []string{"vulytsia:string:Вулиця", "prymitka:string:"}, "prymitka"},
		{"street:string:", []string{"vulytsia:string:"}, "vulytsia"},
		{"site:string:Магазин", []string{"sajt:integer:"}, "sajt"},
	} {
		draft := suggest.Make(suggest.Input{
			Name: "traps", From: "a.placed", To: "b.write", System: "SaleApp",
			Source: fieldsOf(t, tt.source...), Sink: fieldsOf(t, tt.sink),
		})
		got := ""
		if f := draft.Fields[0]; f.State == suggest.Suggested {
			got = strings.Join(f.Paths, " ")
		}
		if got != tt.want {
			t.Errorf("%s of %v: %q is suggested, want %q\n%s", tt.sink, tt.source, got, tt.want, draft.YAML())
		}
	}
}

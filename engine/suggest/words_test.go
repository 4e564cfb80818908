package suggest

import (
	"slices"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

func TestWords(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"delivery_phone", "delivery phone"},
		{"initialPrice", "initial price"},
		{"ENref", "e nref"}, // the vendor's own; its label says what it is
		{"orderIDs", "order ids"},
		{"photoURL", "photo url"},
		{"utmSourceFull", "utm source full"},
		{"addres", "address"},
		{"curency_id", "currency id"},
		{"totalSumm", "total sum"},
		{"payed", "paid"},
		{"address2", "address 2"},
		{"E-mail", "email"},
		{"Ім'я отримувача", "імя отримувача"},
		{"recipient’s name", "recipients name"},
		{"К-ть заявок", "кількість заявок"},
		{"знижка в %", "знижка в %"},
		{"Номер квартиры/офиса", "номер квартиры офиса"},
		{"--", ""},
		{"", ""},
	} {
		if got := strings.Join(words(tt.in), " "); got != tt.want {
			t.Errorf("words(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestSound(t *testing.T) {
	for _, same := range [][]string{
		{"сайт", "sajt", "sayt", "sait"},
		{"вулиця", "vulytsia", "vulitsya"},
		{"улица", "ulitsa"},
		{"коментар", "комментар", "komentar"},
	} {
		for _, w := range same[1:] {
			if alike(same[0], w) < 0.8 {
				t.Errorf("%s and %s sound as %s and %s: %.2f alike", same[0], w, sound(same[0]), sound(w), alike(same[0], w))
			}
		}
	}
	for _, other := range [][2]string{{"сума", "сумка"}, {"phone", "photo"}, {"місто", "місце"}} {
		if a := alike(other[0], other[1]); a >= 0.8 {
			t.Errorf("%s and %s are %.2f alike", other[0], other[1], a)
		}
	}
}

// TestConcepts holds the words of the vendors in all three languages against what
// they mean.
func TestConcepts(t *testing.T) {
	l := newLexicon()
	for _, tt := range []struct{ want, texts string }{
		{"phone", "phone|Телефон|телефону|Телефоны|tel|мобільний телефон"},
		{"surname", "lastName|lName|Прізвище|Фамилия|surname"},
		{"firstname", "firstName|fName|Ім'я|Имя"},
		{"patronymic", "mName|middleName|По батькові|Отчество|patronymic"},
		{"fullname", "ПІБ|ФИО|full name|recipient's full name|повне ім'я"},
		{"city", "city|Місто|міста|Город|города|населеного пункту|Населенный пункт"},
		{"branch", "branch|Відділення|отделения"},
		{"sku", "sku|article|Артикул|артикула"},
		{"quantity", "quantity|qty|Кількість|Количество|К-ть"},
		{"price", "price|Ціна|Цена|вартість|Стоимость"},
		{"primecost", "costPrice|Собівартість|Себестоимость|Закупочная|purchasePrice"},
		{"cod", "Післяплата|наложенный платёж|cash on delivery|postpaySum|зворотної доставки грошей"},
		{"paid", "payed|Оплачено|prepaySum|передоплата"},
		{"waybill", "ТТН|tracking number|накладна|Номер документу перевізника"},
		{"discount", "discount|Знижка|скидки"},
		{"comment", "comment|Коментар|Комментарий|Примітка|notes"},
		{"shop", "site|sajt|Магазин"},
		{"novaposhta", "novaposhta|Нова Пошта|Новою поштою|Новая Почта|Nova Posta|np"},
		{"manager", "manager|Менеджер|оператора"},
	} {
		for text := range strings.SplitSeq(tt.texts, "|") {
			m := l.ofName(text)
			for _, v := range l.ofLabel(text) {
				m = m.with(v, 1)
			}
			if m[concept(tt.want)] == 0 {
				t.Errorf("%q means %v, want %s", text, m, tt.want)
			}
		}
	}
	for _, tt := range []struct{ not, text string }{
		{"city", "Кількість упакованих місць"},
		{"price", "Собівартість"},
		{"name", "По батькові"},
		{"firstname", "імʼяфайлу"},
		{"number", "0 - no, 1 - yes"},
	} {
		if m := l.ofLabel(tt.text); len(m) > 0 && m[0][concept(tt.not)] > aside {
			t.Errorf("%q means %v, and never %s", tt.text, m[0], tt.not)
		}
	}
}

// TestDictionary finds words that stand for two things.
func TestDictionary(t *testing.T) {
	of := map[string]concept{}
	for _, e := range dictionary {
		for w := range strings.FieldsSeq(e.words) {
			if other, ok := of[w]; ok {
				t.Errorf("%s is a word of %s and of %s", w, other, e.concept)
			}
			of[w] = e.concept
			if slices.Contains(words(w), "") || strings.ToLower(w) != w {
				t.Errorf("%s of %s is not written as words are read", w, e.concept)
			}
		}
	}
	for w := range idle {
		if c, ok := of[w]; ok {
			t.Errorf("%s is idle and a word of %s", w, c)
		}
	}
}

func TestLead(t *testing.T) {
	for _, tt := range []struct{ label, main string }{
		{"Телефон отримувача (всі символи окрім цифр)", "Телефон отримувача"},
		{"Спосіб доставки: WarehouseWarehouse - відділення", "Спосіб доставки"},
		{"(Код постачальника)", "Код постачальника"},
		{"Вес г.", "Вес г"},
		{"", ""},
		{")(", ""},
	} {
		if main, _ := lead(tt.label); strings.TrimSpace(main) != tt.main {
			t.Errorf("lead(%q) = %q, want %q", tt.label, main, tt.main)
		}
	}
}

// TestRows matches codes of sources with those of SaleApp.
func TestRows(t *testing.T) {
	sink := &schema.Node{Types: schema.Integer, Choices: []schema.Choice{
		{JSON: "1", Title: "Самовивіз"},
		{JSON: "2", Title: "Своя доставка"},
		{JSON: "3", Title: "Нова Пошта відділення"},
		{JSON: "5", Title: "Нова Пошта адреса"},
	}}
	m := &matcher{lex: newLexicon()}
	for _, tt := range []struct{ key, title, want string }{
		{"8", "Self-delivery", "1"},
		{"42", "Самовывоз из магазина", "1"},
		{"self-delivery", "", "1"},
		{"2", "By courier in Lutsk", "2"},
		{"courier", "", "2"},
		{"3", "Nova Posta", "3"},
		{"novaposhta", "Нова Пошта", "3"},
		{"np", "Новая почта, отделение", "3"},
		{"11", "Нова Пошта, адресна доставка", "5"},
		{"9", "UkrPoshta", ""},
		{"7", "Mist Express", ""},
		{"3", "", ""}, // the numbers of two systems mean nothing to each other
		{"", "", ""},
	} {
		if got := m.row(&target{node: sink}, tt.key, tt.title); got.Value != tt.want {
			t.Errorf("%s (%s) becomes %q (%d %%), want %q", tt.key, tt.title, got.Value, got.Confidence, tt.want)
		}
	}
}

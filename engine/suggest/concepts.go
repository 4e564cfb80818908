package suggest

import (
	"strings"
	"unicode/utf8"
)

// concept is what a word of a name or a label means in any of the languages.
type concept string

// entry is a concept's words. A word that ends in * stands for all words that
// begin so, as Ukrainian and Russian ones do in their cases; words joined by + stand beside
// each other. weight says how much the concept tells: 4 is hardly ever a
// coincidence, 0 tells nothing.
type entry struct {
	concept concept
	weight  float64
	words   string
}

// heavy is from which weight on a field that lacks the concept is another field.
const heavy = 2.5

// dictionary holds what shops, their CRMs and carriers speak of, in English,
// Ukrainian and Russian.
var dictionary = []entry{
	// People.
	{"phone", 4, "phone phones telephone mobile телефон*"},
	{"email", 4, "email emails mail имейл* емейл* пошта+електронна"},
	{"fullname", 3, "fullname fio pib фио фіо піб пиб full+name повне+імя полное+имя contact+person"},
	{"name", 1, "name title caption назв* найменуван* наименован*"},
	{"firstname", 3, "firstname fname f+name first+name given+name імя имя"},
	{"surname", 3, "surname lastname lname l+name last+name family+name прізвищ* фамили*"},
	{"patronymic", 3, "patronymic middlename mname m+name middle+name отчеств* по+батькові побатькові"},
	{"receiver", 1, "recipient recipients receiver consignee отримувач* получател* одержувач*"},
	{"sender", 3, "sender відправник* отправител*"},
	{"customer", 1, "customer client buyer user visitor shopper клиент* клієнт* покупец* покупц* покупате* замовник* заказчик*"},
	{"counterparty", 2.5, "counterparty contragent контрагент*"},
	{"contact", 1, "contact contacts контакт*"},
	{"manager", 3, "manager operator менеджер* оператор*"},
	{"sex", 3, "sex gender пол стать"},
	{"birthday", 3, "birthday birth рождени* народженн*"},

	// Places.
	{"country", 3, "country страна страны країн*"},
	{"region", 3, "region area oblast област* регион* регіон*"},
	{"district", 3, "district район*"},
	{"city", 3, "city town settlement міст* город города городу населен*+пункт*"},
	{"street", 3, "street вулиц* улиц*"},
	{"house", 3, "house building будинк* будинок дом дома строени*"},
	{"flat", 3, "flat apartment office квартир*"},
	{"floor", 3, "floor поверх* этаж*"},
	{"address", 3, "address адрес*"},
	{"branch", 3, "branch department відділенн* отделени* pickup+point"},
	{"postcode", 3, "zip postcode postal index індекс* индекс* поштов*+індекс* почтов*+индекс*"},
	{"stock", 3, "warehouse stock склад*"},
	{"shop", 2.5, "site shop store магазин* сайт*"},

	// What kind of thing a value is.
	{"id", 2, "id ids identifier ідентифікатор* идентификатор* айді иден* іден*"},
	{"ref", 2, "ref guid uuid"},
	{"code", 1.5, "code код кода коди коды"},
	{"number", 2, "number num номер*"},
	{"external", 2, "external ext зовнішн* внешн*"},
	{"internal", 1, "internal inner внутрішн* внутренн*"},
	{"type", 2.5, "type types kind тип* вид вида method спосіб способ*"},
	{"status", 3, "status state статус*"},
	{"percent", 2.5, "percent percentage relative % відсот* процент*"},
	{"date", 3, "date time datetime created updated createdat updatedat дата дати даты дату час времени время"},
	{"text", 0.5, "text текст*"},
	{"url", 3, "url link href посилання ссылк* сторінк*"},
	{"photo", 3, "photo image picture фото* зображенн*"},
	{"version", 3, "version верси* версі*"},

	// Orders and what is in them.
	{"order", 1, "order orders lead deal замовлен* заявк* заявок заказ*"},
	{"product", 1, "product products item items line lines goods good offer товар* номенклатур* позици* позиці* предложени*"},
	{"sku", 4, "sku article артикул* vendorcode vendor+code"},
	{"barcode", 4, "barcode штрихкод* штрих+код*"},
	{"category", 3, "category категор*"},
	{"manufacturer", 3, "manufacturer brand виробник* производител* бренд*"},
	{"set", 3, "complect комплект* set"},
	{"quantity", 3, "quantity count number+of кількіст* количеств* units+ordered"},
	{"unit", 0.5, "unit одиниц* единиц* одну штук* шт"},
	{"weight", 3, "weight mass вага ваги вес веса"},
	{"length", 3, "length довжин* длин*"},
	{"width", 3, "width ширин*"},
	{"height", 3, "height висот* высот*"},
	{"volume", 3, "volume обєм* объем* объём*"},
	{"comment", 3, "comment note notes remark комент* коммент* примітк* примечан* нотатк*"},
	{"tag", 3, "tag tags тег*"},
	{"funnel", 3, "funnel воронк*"},
	{"custom", 2.5, "custom кастомн* пользовательск* користувацьк*"},
	{"field", 1, "field fields поле поля полів полей"},
	{"reason", 3, "reason причин*"},
	{"without", 2, "without not не без"},

	// Money.
	{"price", 2, "price cost ціна ціни ціну цін цена цены цену цен вартіст* стоимост*"},
	{"primecost", 3, "cost+price purchase+price net+cost purchase собівартіст* себестоимост* закупочн* закупк* закупівельн*"},
	{"sum", 2, "sum amount сума суми суму сумма суммы сумму"},
	{"total", 1, "total загальн* общая общую общий всього итого"},
	{"discount", 3, "discount скидк* знижк*"},
	{"coupon", 3, "coupon promo certificate купон* промокод*"},
	{"bonus", 3, "bonus bonuses бонус*"},
	{"currency", 4, "currency валют*"},
	{"payment", 2.5, "payment pay payments оплат* платеж* платіж*"},
	{"paid", 3, "paid prepay prepaid prepayment оплачен* сплачен* передоплат* предоплат* внесен*"},
	{"rest", 3, "rest remaining залиш* остат* остал*"},
	{"cod", 4, "cod postpay післяплат* наложен* накладен* cash+on+delivery payment+on+receipt back+delivery backdelivery зворотн*+доставк*"},
	{"insurance", 3, "insurance insured declared страхув* страхов* оголошен* объявленн*"},
	{"commission", 3, "commission комісі* комисси*"},
	{"profit", 3, "profit margin прибут* прибыл*"},
	{"expenses", 3, "expenses витрат* расход*"},
	{"vat", 3, "vat ндс пдв"},

	// Delivery.
	{"delivery", 1, "delivery shipping shipment ship доставк*"},
	{"carrier", 1, "carrier перевізник* перевозчик* компан*+перевізник*"},
	{"parcel", 0.5, "parcel package посилк* посылк*"},
	{"packing", 3, "packing упаковк* пакуванн*"},
	{"waybill", 4, "ttn waybill tracking ттн накладн* документу+перевізник*"},
	{"seats", 3, "seats місць місця мест"},
	{"pickup", 4, "pickup self+delivery self+pickup samovyvoz самовив* самовыв* local+pickup"},
	{"courier", 3, "courier курєр* курьер* своя+доставк* своей+доставк*"},
	{"novaposhta", 3, "novaposhta novaposta np nova+poshta nova+posta new+post нова+пошт* нової+пошт* новою+пошт* новая+почт* новой+почт* novaya+pochta"},
	{"ukrposhta", 3, "ukrposhta ukr+poshta укрпошт* укрпочт*"},
	{"other", 2.5, "additional alternative додатков* дополнит*"},

	// Where a visitor came from.
	{"utm", 2, "utm"},
	{"source", 3, "source джерел* источник*"},
	{"medium", 3, "medium канал*"},
	{"campaign", 3, "campaign кампан*"},
	{"keyword", 3, "keyword term ключев*"},
	{"content", 3, "content содержан*"},

	// Firms.
	{"company", 2.5, "company organization organisation firm компан* организац* організац* юр"},
	{"taxcode", 3, "egrpou inn okpo єдрпоу едрпоу інн инн іпн"},
}

// idle are words that tell nothing of what a field is.
var idle = wordSet(`a an the of in to for with is are be by on at this that and or which also has have into
	і й та у в з із зі на для до що як який яка яке його її по за при від о об
	и с со из от к ко что как который которая
	масив массив array list список json encode data дані данные даних info інформація информация value значення значение
	system системі системе api`)

func wordSet(s string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		out[w] = true
	}
	return out
}

// lexicon finds concepts by words.
type lexicon struct {
	whole   map[string]concept // words as they are
	begins  map[string]concept // beginnings
	sounds  map[string]concept // beginnings as they sound
	longest int                // of the beginnings, in runes
	phrases map[string][]phrase
	weight  map[concept]float64
}

// phrase is a concept of several words; each may be a beginning.
type phrase struct {
	words   []string
	concept concept
}

func newLexicon() *lexicon {
	l := &lexicon{whole: map[string]concept{}, begins: map[string]concept{}, sounds: map[string]concept{}, phrases: map[string][]phrase{}, weight: map[concept]float64{}}
	for _, e := range dictionary {
		l.weight[e.concept] = e.weight
		for w := range strings.FieldsSeq(e.words) {
			l.add(w, e.concept)
		}
	}
	return l
}

func (l *lexicon) add(w string, c concept) {
	if parts := strings.Split(w, "+"); len(parts) > 1 {
		first := strings.TrimSuffix(parts[0], "*")
		l.phrases[first] = append(l.phrases[first], phrase{parts, c})
		l.longest = max(l.longest, utf8.RuneCountInString(first))
		return
	}
	if stem, ok := strings.CutSuffix(w, "*"); ok {
		l.begins[stem] = c
		if s := sound(stem); len(s) >= 4 {
			l.sounds[s] = c
		}
		l.longest = max(l.longest, utf8.RuneCountInString(stem))
		return
	}
	l.whole[w] = c
}

// of gives the concept of one word; "" for one that is not known.
func (l *lexicon) of(word string) concept {
	if c, ok := l.whole[word]; ok {
		return c
	}
	if c, ok := l.beginning(word); ok {
		return c
	}
	if c, ok := l.whole[strings.TrimSuffix(word, "s")]; ok {
		return c
	}
	return l.spoken(word)
}

func (l *lexicon) beginning(word string) (concept, bool) {
	runes := []rune(word)
	for n := min(len(runes), l.longest); n > 2; n-- {
		if c, ok := l.begins[string(runes[:n])]; ok {
			return c, true
		}
	}
	return "", false
}

// spoken finds a Latin word that writes a Ukrainian or Russian one, as sajt does.
func (l *lexicon) spoken(word string) concept {
	if word[0] >= utf8.RuneSelf {
		return ""
	}
	s := sound(word)
	for n := len(s); n >= 4; n-- {
		if c, ok := l.sounds[s[:n]]; ok {
			return c
		}
	}
	return ""
}

// at finds a phrase that begins with the first of some words, and how many words
// it has.
func (l *lexicon) at(list []string) (concept, int) {
	var best concept
	longest := 0
	try := func(phrases []phrase) {
		for _, p := range phrases {
			if len(p.words) > longest && len(p.words) <= len(list) && p.matches(list) {
				best, longest = p.concept, len(p.words)
			}
		}
	}
	runes := []rune(list[0])
	for n := min(len(runes), l.longest); n > 0; n-- {
		try(l.phrases[string(runes[:n])])
	}
	return best, longest
}

func (p *phrase) matches(list []string) bool {
	for i, w := range p.words {
		if stem, ok := strings.CutSuffix(w, "*"); ok && strings.HasPrefix(list[i], stem) {
			continue
		}
		if w != list[i] {
			return false
		}
	}
	return true
}

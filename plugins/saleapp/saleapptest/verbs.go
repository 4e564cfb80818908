package saleapptest

import (
	"fmt"
	"slices"
)

// get answers every order found, none being no error.
func (s *Server) get(c caller, f form) answer {
	q, problem := search(f, "id", "number", "external_id")
	if problem != "" {
		return refusal(problem)
	}
	q.client = c.client(f)
	found := s.store.find(q)
	a := success("")
	a.Response = make([]*Order, len(found))
	for i, o := range found {
		a.Response[i] = &o.Order
	}
	return a
}

// create makes an order of the fields of POST.
func (s *Server) create(c caller, f form) answer {
	o, problems := s.newOrder(c, f)
	if len(problems) > 0 {
		return refusal(problems...)
	}
	a := success("Документ успішно створено!")
	a.CreateID = s.store.create(o)
	return a
}

// update changes the fields that PUT was sent.
func (s *Server) update(c caller, f form) answer {
	q, problem := search(f, "id", "external_id")
	if problem != "" {
		return refusal(problem)
	}
	q.client = c.client(f)
	changes, problems := s.changes(c, f)
	if len(problems) > 0 {
		return refusal(problems...)
	}
	if !s.store.update(q, changes) {
		return refusal(q.missing())
	}
	return success("Документ успішно оновлено!")
}

// remove deletes every order found that may be deleted. The document lists no
// client_id among DELETE's parameters, so only a counterparty's key narrows it.
func (s *Server) remove(c caller, f form) answer {
	q, problem := search(f, "id", "external_id")
	if problem != "" {
		a := refusal(problem)
		a.Deleted = []Deletion{}
		return a
	}
	if c.bound != nil {
		q.client = c.bound.ClientID
	}
	gone, kept := s.store.remove(q)
	a := success("Документ успішно видалено!")
	switch {
	case len(kept) > 0:
		var problems []string
		for _, o := range kept {
			problems = append(problems, fmt.Sprintf(
				"Замовлення %s не видалено: видалення дозволено лише у статусах 0, 1, 2, а зараз %s (%s)", o.ID, o.StatusID, o.StatusName))
		}
		a = refusal(problems...)
	case len(gone) == 0:
		a = refusal(q.missing())
	}
	a.Deleted = make([]Deletion, len(gone))
	for i, o := range gone {
		a.Deleted[i] = Deletion{ID: o.ID, Number: o.Number, ExternalID: o.ExternalID}
	}
	return a
}

// search takes the first given of the fields that an order is searched by.
func search(f form, by ...string) (query, string) {
	i := slices.IndexFunc(by, func(name string) bool { return f.text(name) != "" })
	if i < 0 {
		if len(by) == 3 {
			return query{}, "Не заповнено жодного з полів id, number, external_id: немає за чим шукати замовлення"
		}
		return query{}, "Не заповнено жодного з полів id, external_id: немає за чим шукати замовлення"
	}
	q := query{by: by[i], value: f.text(by[i])}
	if q.by != "external_id" && !isDigits(q.value) {
		return query{}, fmt.Sprintf("Поле %s має бути числом, отримано %q", q.by, q.value)
	}
	return q, ""
}

func (q query) missing() string {
	return fmt.Sprintf("Замовлення з %s %q не знайдено", q.by, q.value)
}

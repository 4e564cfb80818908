package saleapptest

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// numberOffset keeps numbers apart from ids, so that mistaking one for the other
// shows.
const numberOffset = 1000

// store holds the orders. An order is never changed in place: a write puts a new
// one where the old one was, so whoever read a pointer may keep it.
type store struct {
	now func() time.Time

	mu         sync.RWMutex
	orders     []*StoredOrder // order id is at id-1; nil once deleted
	byExternal map[string][]int
	deleted    []*StoredOrder
	writes     []Write
	stamped    time.Time // the second that stamp is of
	stamp      string
}

func newStore(now func() time.Time) *store {
	return &store{now: now, byExternal: map[string][]int{}}
}

// query says which orders are meant.
type query struct {
	by     string // id, number or external_id
	value  string
	client string // "" means anybody's
}

// ids returns the matching orders' ids, ascending. The lock is held.
func (s *store) ids(q query) []int {
	var found []int
	switch q.by {
	case "external_id":
		found = s.byExternal[q.value]
	case "id", "number":
		// A number too large for an int is nobody's.
		if n, err := strconv.Atoi(q.value); err == nil {
			if q.by == "number" {
				n -= numberOffset
			}
			if s.at(n) != nil {
				found = []int{n}
			}
		}
	}
	if q.client == "" {
		return found
	}
	var own []int
	for _, id := range found {
		if s.at(id).ClientID == q.client {
			own = append(own, id)
		}
	}
	return own
}

// at returns an order, nil if there is none. The lock is held.
func (s *store) at(id int) *StoredOrder {
	if id < 1 || id > len(s.orders) {
		return nil
	}
	return s.orders[id-1]
}

func (s *store) find(q query) []*StoredOrder {
	s.mu.RLock()
	defer s.mu.RUnlock()
	ids := s.ids(q)
	found := make([]*StoredOrder, len(ids))
	for i, id := range ids {
		found[i] = s.at(id)
	}
	return found
}

// create stores a new order and returns its id.
func (s *store) create(o StoredOrder) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := len(s.orders) + 1
	o.ID = strconv.Itoa(id)
	o.Number = strconv.Itoa(id + numberOffset)
	o.StatusID, o.StatusName = "0", statusName(0)
	o.DateEntered = s.timestamp()
	o.DateUpdate = o.DateEntered
	o.Writes = 1
	s.orders = append(s.orders, &o)
	if o.ExternalID != "" {
		s.byExternal[o.ExternalID] = append(s.byExternal[o.ExternalID], id)
	}
	s.log("POST", &o)
	return id
}

// update lets change alter the oldest matching order, and reports whether there was
// one.
func (s *store) update(q query, change func(*StoredOrder)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := s.ids(q)
	if len(ids) == 0 {
		return false
	}
	o := *s.at(ids[0])
	change(&o)
	o.DateUpdate = s.timestamp()
	o.Writes++
	s.orders[ids[0]-1] = &o
	s.log("PUT", &o)
	return true
}

// remove deletes the matching orders that may be deleted, and returns them and those
// that stay.
func (s *store) remove(q query) (gone, kept []*StoredOrder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range slices.Clone(s.ids(q)) {
		o := s.at(id)
		if status, err := strconv.Atoi(o.StatusID); err != nil || status > lastDeletable {
			kept = append(kept, o)
			continue
		}
		s.orders[id-1] = nil
		s.forget(o.ExternalID, id)
		s.deleted = append(s.deleted, o)
		s.log("DELETE", o)
		gone = append(gone, o)
	}
	return gone, kept
}

func (s *store) forget(external string, id int) {
	left := slices.DeleteFunc(s.byExternal[external], func(x int) bool { return x == id })
	if len(left) == 0 {
		delete(s.byExternal, external)
		return
	}
	s.byExternal[external] = left
}

// process applies what staff does; see Progress.
func (s *store) process(id int, p Progress) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.at(id)
	if old == nil {
		return false
	}
	o := *old
	if p.StatusID != nil {
		o.StatusID, o.StatusName = strconv.Itoa(*p.StatusID), statusName(*p.StatusID)
		if *p.StatusID == fullyReserved {
			o.Products = slices.Clone(o.Products)
			for i := range o.Products {
				o.Products[i].AllocatedQty = o.Products[i].Qty
			}
		}
	}
	if p.TTN != nil {
		o.TTN = *p.TTN
	}
	if p.TTNRef != nil {
		o.TTNRef = *p.TTNRef
	}
	if p.SeatsNumber != nil {
		o.SeatsNumber = strconv.Itoa(*p.SeatsNumber)
	}
	o.DateUpdate = s.timestamp()
	s.orders[id-1] = &o
	return true
}

// log records a write. The lock is held. What it keeps for ever is copied: the fields
// of an order are parts of its request's body, which may go with the order.
func (s *store) log(verb string, o *StoredOrder) {
	s.writes = append(s.writes, Write{
		Sequence: len(s.writes) + 1, Verb: verb,
		ID: o.ID, ExternalID: strings.Clone(o.ExternalID), ClientID: strings.Clone(o.ClientID), Addres: strings.Clone(o.Addres),
	})
}

// timestamp is the time as answers write it, to the second. The lock is held.
func (s *store) timestamp() string {
	now := s.now()
	if now.Unix() != s.stamped.Unix() || now.Location() != s.stamped.Location() || s.stamp == "" {
		s.stamped, s.stamp = now, now.Format(time.DateTime)
	}
	return s.stamp
}

// list returns the orders of one moment, oldest first.
func (s *store) list() []*StoredOrder {
	s.mu.RLock()
	all := slices.Clone(s.orders)
	s.mu.RUnlock()
	return slices.DeleteFunc(all, func(o *StoredOrder) bool { return o == nil })
}

// listDeleted and listWrites need no copy: what is in their slices stays.
func (s *store) listDeleted() []*StoredOrder {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clip(s.deleted)
}

func (s *store) listWrites() []Write {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clip(s.writes)
}

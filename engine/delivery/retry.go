package delivery

import (
	"container/heap"
	"time"
)

// schedule is the items that wait for their time, the earliest first.
type schedule []*item

func (s schedule) Len() int { return len(s) }

func (s schedule) Less(i, j int) bool {
	if s[i].due.Equal(s[j].due) {
		return s[i].sequence < s[j].sequence
	}
	return s[i].due.Before(s[j].due)
}

func (s schedule) Swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].place, s[j].place = i, j
}

// Push is for the heap alone.
func (s *schedule) Push(x any) {
	it, ok := x.(*item)
	if !ok {
		return
	}
	it.place = len(*s)
	*s = append(*s, it)
}

// Pop is for the heap alone.
func (s *schedule) Pop() any {
	old := *s
	it := old[len(old)-1]
	old[len(old)-1] = nil
	*s = old[:len(old)-1]
	return it
}

// add has it wait until at.
func (s *schedule) add(it *item, at time.Time) {
	it.due = at
	heap.Push(s, it)
}

// hurry has what waits because of the sink go as soon as nothing forbids it: the
// sink works again.
func (s *schedule) hurry(now time.Time) {
	for _, it := range *s {
		if it.failure == nil || it.asked != nil || it.loads > 0 {
			continue
		}
		if soon := laterOf(now, it.notBefore); soon.Before(it.due) {
			it.due = soon
		}
	}
	heap.Init(s)
}

func laterOf(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// due takes out one item whose time has come, or gives nil.
func (s *schedule) take(now time.Time) *item {
	if len(*s) == 0 || (*s)[0].due.After(now) {
		return nil
	}
	it, _ := heap.Pop(s).(*item)
	return it
}

package delivery

import (
	"container/list"
	"sync"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

// AnswerCache keeps answers of lookups for as long as each allows. Lanes can share
// one. It is safe for concurrent use.
type AnswerCache struct {
	most int

	mu      sync.Mutex
	entries map[string]*list.Element
	order   list.List // the one used last in front
}

type cached struct {
	key    string
	answer mapping.Answer
	until  time.Time
}

// maxCachedAnswer is the largest answer that is kept, in bytes.
const maxCachedAnswer = 64 << 10

// NewAnswerCache makes a cache of at most so many answers; the one that was not
// used the longest goes first.
func NewAnswerCache(most int) *AnswerCache {
	return &AnswerCache{most: max(most, 1), entries: map[string]*list.Element{}}
}

func (c *AnswerCache) get(key string, now time.Time) (mapping.Answer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.entries[key]
	if !ok {
		return mapping.Answer{}, false
	}
	e, ok := at.Value.(*cached)
	if !ok || !now.Before(e.until) {
		c.drop(at)
		return mapping.Answer{}, false
	}
	c.order.MoveToFront(at)
	return e.answer, true
}

func (c *AnswerCache) put(key string, a mapping.Answer, until time.Time) {
	size := len(key) + len(a.Found)
	if a.Refusal != nil {
		for _, candidate := range a.Refusal.Candidates {
			size += len(candidate)
		}
	}
	if size > maxCachedAnswer {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.entries[key]; ok {
		c.drop(at)
	}
	c.entries[key] = c.order.PushFront(&cached{key, a, until})
	for len(c.entries) > c.most {
		c.drop(c.order.Back())
	}
}

func (c *AnswerCache) drop(at *list.Element) {
	if e, ok := at.Value.(*cached); ok {
		delete(c.entries, e.key)
	}
	c.order.Remove(at)
}

// Known gives the answer that is kept for a question, without asking anybody.
func (c *AnswerCache) Known(q *mapping.Question) (mapping.Answer, bool) {
	return c.get(q.Key(), time.Now())
}

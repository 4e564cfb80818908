package mapping

import (
	"bytes"

	"github.com/tidwall/gjson"
)

// trie holds the plain paths of one scope. Its leaves, and inner nodes that are
// themselves wanted, name the slot that takes the value's bytes.
type trie struct {
	slot int // -1 for none
	// keys are the steps into an object. table finds them by a hash of length
	// and four bytes: the key of the hash h is keys[table[h]-1], and then the
	// chain of next.
	keys  []trieKey
	table [64]uint8
	// indexes are the steps into an array, in no order.
	indexes []trieIndex
}

type trieKey struct {
	name string
	node *trie
	next uint8
}

type trieIndex struct {
	index int
	node  *trie
}

func newTrie() *trie { return &trie{slot: -1} }

// maxTrieKeys is how many fields of one object a mapping can name; table is a byte.
const maxTrieKeys = 255

// add makes room for the path and returns its node, or nil if the trie is full here.
func (t *trie) add(segments []segment) *trie {
	for _, s := range segments {
		next := t.child(s.text)
		if next == nil {
			if len(t.keys) == maxTrieKeys {
				return nil
			}
			next = newTrie()
			h := hashKey(s.text)
			t.keys = append(t.keys, trieKey{name: s.text, node: next, next: t.table[h]})
			t.table[h] = uint8(len(t.keys)) //nolint:gosec // at most maxTrieKeys
		}
		if n, ok := arrayIndex(s); ok && !t.hasIndex(n, next) {
			t.indexes = append(t.indexes, trieIndex{index: n, node: next})
		}
		t = next
	}
	return t
}

func (t *trie) child(name string) *trie {
	for i := t.table[hashKey(name)]; i != 0; i = t.keys[i-1].next {
		if t.keys[i-1].name == name {
			return t.keys[i-1].node
		}
	}
	return nil
}

func (t *trie) hasIndex(n int, node *trie) bool {
	for _, x := range t.indexes {
		if x.index == n && x.node == node {
			return true
		}
	}
	return false
}

// arrayIndex returns what the step means in an array, as gjson reads it: digits only.
func arrayIndex(s segment) (int, bool) {
	if s.escaped || s.text == "" || len(s.text) > 9 {
		return 0, false
	}
	n := 0
	for i := range len(s.text) {
		c := s.text[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

func hashKey(s string) uint8 {
	if s == "" {
		return 0
	}
	n := len(s) - 1
	return uint8(n*7+int(s[0])*3+int(s[n])+int(s[n>>1])*5+int(s[n-n>>2])*11) & 63 //nolint:gosec // only the low bits count
}

func hashBytes(s []byte) uint8 {
	if len(s) == 0 {
		return 0
	}
	n := len(s) - 1
	return uint8(n*7+int(s[0])*3+int(s[n])+int(s[n>>1])*5+int(s[n-n>>2])*11) & 63 //nolint:gosec // only the low bits count
}

// scanner fills slots with the values of one JSON text in a single pass. The text
// must be valid JSON. Like gjson it takes the first of two values of one path.
type scanner struct {
	b     []byte
	slots [][]byte
	left  int // slots not yet filled
	// whole keeps reading when nothing more is wanted, to find where the value ends.
	whole bool
}

// scan fills slots, all nil, from the JSON text b; count is how many the trie has.
func (t *trie) scan(b []byte, slots [][]byte, count int) {
	s := scanner{b: b, slots: slots, left: count}
	i := skipSpace(b, 0)
	if i < len(b) && (t.slot >= 0 || b[i] == '{' || b[i] == '[') {
		s.value(i, t)
	}
}

// scanElement is scan for the value that begins at i, and returns what follows it.
func (t *trie) scanElement(b []byte, i int, slots [][]byte, count int) int {
	s := scanner{b: b, slots: slots, left: count, whole: true}
	return s.value(i, t)
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' {
		i++
	}
	return i
}

// value reads the value that begins at i, of which t is wanted, and returns what follows it.
func (s *scanner) value(i int, t *trie) int {
	start := i
	switch {
	case s.b[i] == '{' && len(t.keys) > 0:
		i = s.object(i+1, t)
	case s.b[i] == '[' && len(t.indexes) > 0:
		i = s.array(i+1, t)
	default:
		i = skipValue(s.b, i)
	}
	if t.slot >= 0 && s.slots[t.slot] == nil {
		s.slots[t.slot] = s.b[start:i:i]
		s.left--
	}
	return i
}

func (s *scanner) object(i int, t *trie) int {
	b := s.b
	for i < len(b) {
		for i < len(b) && b[i] != '"' {
			if b[i] == '}' {
				return i + 1
			}
			i++
		}
		start := i + 1
		i = skipString(b, i)
		if i > len(b) || start >= i {
			return len(b)
		}
		key := b[start : i-1]
		for i < len(b) && b[i] != ':' {
			i++
		}
		i = skipSpace(b, i+1)
		if i >= len(b) {
			return len(b)
		}
		if next := t.match(key); next != nil {
			i = s.value(i, next)
			if s.left == 0 && !s.whole && t.slot < 0 {
				return len(b) // nothing more is wanted; no slot around this object is open
			}
		} else {
			i = skipValue(b, i)
		}
	}
	return i
}

func (t *trie) match(key []byte) *trie {
	for i := t.table[hashBytes(key)]; i != 0; i = t.keys[i-1].next {
		if string(key) == t.keys[i-1].name {
			return t.keys[i-1].node
		}
	}
	if bytes.IndexByte(key, '\\') >= 0 {
		quoted := make([]byte, 0, len(key)+2)
		quoted = append(append(append(quoted, '"'), key...), '"')
		return t.child(gjson.ParseBytes(quoted).Str)
	}
	return nil
}

func (s *scanner) array(i int, t *trie) int {
	b := s.b
	for n := 0; i < len(b); n++ {
		for i < len(b) && (b[i] <= ' ' || b[i] == ',') {
			i++
		}
		if i >= len(b) {
			return len(b)
		}
		if b[i] == ']' {
			return i + 1
		}
		at := i
		i = skipValue(b, at)
		for _, x := range t.indexes {
			if x.index == n {
				s.value(at, x.node)
			}
		}
	}
	return i
}

// skipValue returns what follows the value that begins at i.
func skipValue(b []byte, i int) int {
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		depth := 0
		for i < len(b) {
			switch b[i] {
			case '"':
				i = skipString(b, i)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
		return i
	}
	for i < len(b) && b[i] > ' ' && b[i] != ',' && b[i] != ']' && b[i] != '}' {
		i++
	}
	return i
}

// skipString returns what follows the string that begins at i. A quote ends it
// unless an odd number of backslashes stands before it.
func skipString(b []byte, i int) int {
	start := i + 1
	for i = start; i < len(b); {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return len(b)
		}
		i += n + 1
		if i-2 < start || b[i-2] != '\\' {
			return i
		}
		slashes := 1
		for i-2-slashes >= start && b[i-2-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return i
		}
	}
	return len(b)
}

// elements calls yield for each element of the JSON array b, until it returns false.
func elements(b []byte, yield func(element []byte) bool) {
	i := skipSpace(b, 0)
	if i >= len(b) || b[i] != '[' {
		return
	}
	for i = nextElement(b, i+1); i >= 0; i = nextElement(b, i) {
		start := i
		i = skipValue(b, i)
		if !yield(b[start:i:i]) {
			return
		}
	}
}

// nextElement returns where the next element of an array begins, -1 behind the last.
func nextElement(b []byte, i int) int {
	for i < len(b) && (b[i] <= ' ' || b[i] == ',') {
		i++
	}
	if i >= len(b) || b[i] == ']' {
		return -1
	}
	return i
}

// members calls yield for each field of the JSON object b, its key as written
// without quotes, until it returns false.
func members(b []byte, yield func(key, value []byte) bool) {
	i := skipSpace(b, 0)
	if i >= len(b) || b[i] != '{' {
		return
	}
	for i++; i < len(b); {
		for i < len(b) && b[i] != '"' {
			if b[i] == '}' {
				return
			}
			i++
		}
		start := i + 1
		i = skipString(b, i)
		if start >= i || i > len(b) {
			return
		}
		key := b[start : i-1]
		i = bytes.IndexByte(b[i:], ':') + i + 1
		i = skipSpace(b, i)
		if i >= len(b) {
			return
		}
		from := i
		i = skipValue(b, i)
		if !yield(key, b[from:i:i]) {
			return
		}
	}
}

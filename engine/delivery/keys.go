package delivery

// keys holds, for each key that has events at hand, its first and its last. The
// first is on its way; the others wait for it in turn (D3).
type keys struct{ queues map[string]keyQueue }

type keyQueue struct{ first, last *item }

// add puts it behind the events of its key and tells whether it is the first.
func (k *keys) add(it *item) bool {
	q, ok := k.queues[it.key]
	if !ok {
		k.queues[it.key] = keyQueue{it, it}
		return true
	}
	q.last.behind = it
	q.last = it
	k.queues[it.key] = q
	return false
}

// remove takes away the first of a key and gives the one behind it, or nil.
func (k *keys) remove(it *item) *item {
	next := it.behind
	it.behind = nil
	if next == nil {
		delete(k.queues, it.key)
		return nil
	}
	q := k.queues[it.key]
	q.first = next
	k.queues[it.key] = q
	return next
}

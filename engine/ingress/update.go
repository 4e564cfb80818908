package ingress

import "slices"

// Update takes webhooks of these connections from now on, and of no others. A request
// that has found its connection is taken as that was; counts go on. After an error
// the old ones hold. It must not be called concurrently with itself.
func (s *Server) Update(connections []Connection) error {
	next, err := newSenders(slices.Values(connections), s.senders.now.Load())
	if err != nil {
		return err
	}
	s.senders.now.Store(next)
	return nil
}

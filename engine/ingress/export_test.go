package ingress

import "time"

// NameAt gives the name of the certificate that is shown at a time.
func NameAt(c *Certificate, at time.Time) string { return c.current(at).Leaf.Subject.CommonName }

package ingress

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // vendors sign with it, and an HMAC does not suffer from its collisions
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"strings"
)

// Signature says how a sender signs: Header holds Prefix and the HMAC (RFC 2104)
// of the body's bytes.
type Signature struct {
	Header, Secret string
	// Algorithm is sha256, sha1 or sha512; Encoding is hex or base64.
	Algorithm, Encoding string
	Prefix              string
}

type verifier struct {
	Signature
	hash   func() hash.Hash
	decode func(string) ([]byte, error)
}

func newVerifier(s Signature) (*verifier, error) {
	v := &verifier{Signature: s}
	switch s.Algorithm {
	case "sha256":
		v.hash = sha256.New
	case "sha1":
		v.hash = sha1.New
	case "sha512":
		v.hash = sha512.New
	default:
		return nil, fmt.Errorf("the algorithm %q is not known", s.Algorithm)
	}
	switch s.Encoding {
	case "hex":
		v.decode = hex.DecodeString
	case "base64":
		v.decode = base64.StdEncoding.DecodeString
	default:
		return nil, fmt.Errorf("the encoding %q is not known", s.Encoding)
	}
	if s.Header == "" || s.Secret == "" {
		return nil, errors.New("the header or the secret is empty")
	}
	return v, nil
}

// check compares in constant time.
func (v *verifier) check(h http.Header, body []byte) *problem {
	given := h.Get(v.Header)
	if given == "" {
		return refuse(http.StatusUnauthorized, CodeSignature, "the header %s is missing; it holds the signature of the body", v.Header)
	}
	text, ok := strings.CutPrefix(given, v.Prefix)
	digest, err := v.decode(text)
	mac := hmac.New(v.hash, []byte(v.Secret))
	mac.Write(body)
	if !ok || err != nil || !hmac.Equal(digest, mac.Sum(nil)) {
		return refuse(http.StatusUnauthorized, CodeSignature, "the signature in the header %s is not that of the body", v.Header)
	}
	return nil
}

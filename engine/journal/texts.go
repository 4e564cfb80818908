package journal

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// textBytes bounds the stream of mappings' texts: some ten thousand, compressed. Of
	// more the oldest go.
	textBytes = 256 << 20
	// maxTextBytes bounds what a text is uncompressed to.
	maxTextBytes = 256 << 20
)

// Text is a mapping as it was written, with its tables.
type Text struct {
	// SHA256 is the hex digest that outcomes name, Mapping the mapping's name, and File
	// where it stood.
	SHA256  string `json:"sha256"`
	Mapping string `json:"mapping"`
	File    string `json:"file"`
	Source  []byte `json:"source"`
	// Tables are the files of its tables, by the paths that it names them by.
	Tables []TextTable `json:"tables,omitempty"`
	// At is when it was kept first.
	At time.Time `json:"-"`
}

// TextTable is the file of a table.
type TextTable struct {
	Path string `json:"path"`
	File string `json:"file"`
	Text []byte `json:"text"`
}

// NoTextError says that the text of a mapping is not kept.
type NoTextError struct{ Problem string }

// Error gives the problem.
func (e *NoTextError) Error() string { return e.Problem }

// KeepText keeps a mapping's text, once, under its digest.
func (j *Journal) KeepText(ctx context.Context, t *Text) error {
	if err := j.keepText(ctx, t); err != nil {
		return fmt.Errorf("keep the text of mapping %s: %w", t.Mapping, err)
	}
	return nil
}

func (j *Journal) keepText(ctx context.Context, t *Text) error {
	subject, err := textSubject(t.SHA256)
	if err != nil {
		return err
	}
	_, err = j.texts.GetLastMsgForSubject(ctx, subject)
	if !errors.Is(err, jetstream.ErrMsgNotFound) {
		return err // it is there, or not to be known
	}
	plain, err := json.Marshal(t)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(plain); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	if most := int(j.o.MaxPayload); b.Len() > most {
		return fmt.Errorf("it has %d bytes, compressed, with its tables; at most %d are kept", b.Len(), most)
	}
	h := nats.Header{hdrMapping: {url.PathEscape(t.Mapping)}}
	return j.storeAll(ctx, nil, []*nats.Msg{{Subject: subject, Header: h, Data: b.Bytes()}}, func(int, uint64) {})
}

func textSubject(digest string) (string, error) {
	if len(digest) != 64 || strings.Trim(digest, "0123456789abcdef") != "" {
		return "", fmt.Errorf("%.80q is no SHA-256 digest", digest)
	}
	return subjectMappings + digest, nil
}

// Text gives the text with a digest, of which the first 6 digits are enough where no
// other begins with them. It fails with a *NoTextError where there is none.
func (j *Journal) Text(ctx context.Context, digest string) (*Text, error) {
	digest = strings.ToLower(digest)
	if len(digest) < 6 || len(digest) > 64 || strings.Trim(digest, "0123456789abcdef") != "" {
		return nil, &NoTextError{fmt.Sprintf("%.80q is no digest: a mapping's text is named by 6 to 64 hex digits, as `crosswalk mapping list` and `crosswalk events show` give them", digest)}
	}
	if len(digest) < 64 {
		all, err := j.Texts(ctx)
		if err != nil {
			return nil, err
		}
		all = slices.DeleteFunc(all, func(t Text) bool { return !strings.HasPrefix(t.SHA256, digest) })
		switch len(all) {
		case 0:
			return nil, &NoTextError{fmt.Sprintf("no mapping's text with a digest that begins with %s is kept", digest)}
		case 1:
			digest = all[0].SHA256
		default:
			return nil, &NoTextError{fmt.Sprintf("%d mappings' digests begin with %s: give more of it", len(all), digest)}
		}
	}
	m, err := j.texts.GetLastMsgForSubject(ctx, subjectMappings+digest)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, &NoTextError{fmt.Sprintf("the text of the mapping with the digest %.12s is not kept", digest)}
	}
	if err != nil {
		return nil, fmt.Errorf("read the text of a mapping: %w", err)
	}
	t := &Text{At: m.Time.UTC()}
	z, err := gzip.NewReader(bytes.NewReader(m.Data))
	if err != nil {
		return nil, fmt.Errorf("read the text of mapping %.12s: %w", digest, err)
	}
	plain, err := io.ReadAll(io.LimitReader(z, maxTextBytes))
	if err == nil {
		err = json.Unmarshal(plain, t)
	}
	if err != nil {
		return nil, fmt.Errorf("read the text of mapping %.12s: %w", digest, err)
	}
	return t, nil
}

// Texts gives the mappings whose texts are kept, the oldest first, without the texts.
func (j *Journal) Texts(ctx context.Context) ([]Text, error) {
	var out []Text
	err := j.scan(ctx, j.texts, 1, "", true, func(_ uint64, m *nats.Msg) (bool, error) {
		meta, err := m.Metadata()
		if err != nil {
			return false, err
		}
		name, err := url.PathUnescape(m.Header.Get(hdrMapping))
		if err != nil {
			return false, fmt.Errorf("header %s %q: %w", hdrMapping, m.Header.Get(hdrMapping), err)
		}
		out = append(out, Text{SHA256: strings.TrimPrefix(m.Subject, subjectMappings), Mapping: name, At: meta.Timestamp.UTC()})
		return true, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read which mappings' texts are kept: %w", err)
	}
	return out, nil
}

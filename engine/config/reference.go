package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// maxSecretFile bounds a file that a reference names: a secret is short.
const maxSecretFile = 64 << 10

// part is literal text, or a reference where scheme is not empty.
type part struct {
	text string
	// scheme is env or file, and name what it names.
	scheme, name string
}

// template is a text with references in it.
type template []part

// templateError says what is wrong with the reference written as text.
type templateError struct{ text, message, hint string }

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

const referenceHint = "write ${env:NAME} or ${file:PATH}; a literal ${ is written $${"

// parseTemplate reads ${env:NAME}, ${file:PATH} and $${ out of s.
func parseTemplate(s string) (template, *templateError) {
	var t template
	var literal strings.Builder
	for s != "" {
		i := strings.Index(s, "${")
		if i < 0 {
			break
		}
		if i > 0 && s[i-1] == '$' {
			literal.WriteString(s[:i-1] + "${")
			s = s[i+2:]
			continue
		}
		literal.WriteString(s[:i])
		inside, after, closed := strings.Cut(s[i+2:], "}")
		if !closed {
			return nil, &templateError{s[i:], "a `${` is not closed", referenceHint}
		}
		whole := "${" + inside + "}"
		scheme, name, _ := strings.Cut(inside, ":")
		switch {
		case scheme == "env" && !envName.MatchString(name):
			return nil, &templateError{whole, fmt.Sprintf("`%s` names no environment variable", whole), "a name has letters, digits and _, and begins with no digit"}
		case scheme == "file" && (name == "" || strings.ContainsRune(name, 0)):
			return nil, &templateError{whole, fmt.Sprintf("`%s` names no file", whole), referenceHint}
		case scheme != "env" && scheme != "file":
			return nil, &templateError{whole, fmt.Sprintf("`%s` is no reference", whole), referenceHint}
		}
		if literal.Len() > 0 {
			t = append(t, part{text: literal.String()})
			literal.Reset()
		}
		t = append(t, part{text: whole, scheme: scheme, name: name})
		s = after
	}
	literal.WriteString(s)
	if literal.Len() > 0 {
		t = append(t, part{text: literal.String()})
	}
	return t, nil
}

// references reports whether there is any reference in t.
func (t template) references() bool {
	for _, p := range t {
		if p.scheme != "" {
			return true
		}
	}
	return false
}

// literal is the text; what references stand for is left as it was written.
func (t template) literal() string {
	var b strings.Builder
	for _, p := range t {
		b.WriteString(p.text)
	}
	return b.String()
}

// Resolve puts in what the references stand for: env answers for an environment
// variable, as os.LookupEnv does, and files are read relative to the
// configuration's folder, without one line end at their end. What cannot be had
// is reported where it is referred to, and so are values that turn out wrong; no
// message holds a value. It may be called again, after the environment or the
// files have changed.
func (c *Config) Resolve(env func(name string) (string, bool)) diag.List {
	list := c.resolve(env, func(*pending) bool { return true })
	c.finish(&list)
	return list.Compact()
}

// ResolveConnection is Resolve for the config of one connection alone: nothing else
// needs to be there. Its token and signature stay as they are.
func (c *Config) ResolveConnection(name string, env func(name string) (string, bool)) diag.List {
	return c.resolve(env, func(p *pending) bool { return p.of == name && name != "" }).Compact()
}

func (c *Config) resolve(env func(name string) (string, bool), which func(*pending) bool) diag.List {
	var list diag.List
	for i := range c.pending {
		p := &c.pending[i]
		if !which(p) {
			continue
		}
		var b strings.Builder
		complete := true
		for _, part := range p.template {
			if part.scheme == "" {
				b.WriteString(part.text)
				continue
			}
			value, prob := c.lookUp(part, env)
			if prob != nil {
				d := c.src.at(p.node, RuleUnresolved, prob.hint, "%s", prob.message)
				c.src.point(&d, p.node, part.text)
				list = append(list, d)
				complete = false
				continue
			}
			b.WriteString(value)
		}
		if !complete {
			continue
		}
		if prob := p.set(b.String()); prob != nil {
			list = append(list, c.src.at(p.node, RuleValue, prob.hint, "what `%s` stands for does not fit: %s", p.template.literal(), prob.message))
		}
	}
	return list
}

func (c *Config) lookUp(p part, env func(string) (string, bool)) (string, *problem) {
	if p.scheme == "env" {
		value, ok := env(p.name)
		switch {
		case !ok:
			return "", &problem{fmt.Sprintf("the environment variable %s is not set", p.name), "set it before the engine starts: export " + p.name + "=…"}
		case !utf8.ValidString(value):
			return "", &problem{fmt.Sprintf("the environment variable %s is not UTF-8 text", p.name), ""}
		}
		return value, nil
	}
	path := p.name
	if !filepath.IsAbs(path) {
		path = filepath.Join(c.Dir, path)
	}
	value, err := readBounded(path, maxSecretFile)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return "", &problem{fmt.Sprintf("the file %s cannot be read: %v", p.name, err), "a path is relative to the folder of " + FileName}
	}
	if !utf8.Valid(value) {
		return "", &problem{fmt.Sprintf("the file %s is not UTF-8 text", p.name), ""}
	}
	text, ended := strings.CutSuffix(string(value), "\n")
	if ended {
		text = strings.TrimSuffix(text, "\r")
	}
	return text, nil
}

// readBounded reads a regular file of at most limit bytes.
func readBounded(path string, limit int64) (_ []byte, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	f, err := os.Open(path) //nolint:gosec // reading the file that the user names is the purpose
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		return nil, fmt.Errorf("it is larger than %d bytes", limit)
	}
	return b, err
}

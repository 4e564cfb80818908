package pluginhost

import (
	"bytes"
	"strings"
	"testing"
)

func find(chunks ...string) (line, rest, other string, err error) {
	var noise bytes.Buffer
	f := &handshakeFinder{other: func(p []byte) { noise.Write(p) }}
	for i, c := range chunks {
		var behind []byte
		if line, behind, err = f.next([]byte(c)); line != "" || err != nil {
			return line, string(behind) + strings.Join(chunks[i+1:], ""), noise.String(), err
		}
	}
	return "", "", noise.String(), nil
}

func TestHandshakeLineIsFoundInNoise(t *testing.T) {
	cert := strings.Repeat("Ab+/", 200)
	line := "1|1|unix|/tmp/d/plugin1|grpc|" + cert
	for name, test := range map[string]struct {
		in                []string
		line, rest, other string
	}{
		"alone":                  {[]string{line + "\n"}, line, "", ""},
		"with a carriage return": {[]string{line + "\r\n"}, line, "", ""},
		"in pieces":              {[]string{line[:1], line[1:9], line[9:], "\n"}, line, "", ""},
		"with something behind":  {[]string{line + "\nmore"}, line, "more", ""},
		"after lines":            {[]string{"hello\n", "1|2\n", line + "\n"}, line, "", "hello\n1|2\n"},
		"after a long line":      {[]string{strings.Repeat("x", 200<<10), line + "\n"}, line, "", strings.Repeat("x", 200<<10) + "\n"},
		"with a seventh part":    {[]string{line + "|true\n"}, line + "|true", "", ""},
		"of a later handshake":   {[]string{"2|1|unix|/a|grpc|\n"}, "2|1|unix|/a|grpc|", "", ""},
		"not yet there":          {[]string{"1|1|unix|/a|grpc|"}, "", "", ""},
		"in the middle of words": {[]string{"see 1|1|unix|/a|grpc| and more words\n"}, "", "", "see 1|1|unix|/a|grpc| and more words\n"},
	} {
		got, rest, other, err := find(test.in...)
		if err != nil || got != test.line || rest != test.rest || other != test.other {
			t.Errorf("%s: got %.80q, behind it %q, before it %.80q (%d bytes), error %v", name, got, rest, other, len(other), err)
		}
	}
	if _, _, _, err := find(strings.Repeat(strings.Repeat("y", 1023)+"\n", 1025)); err == nil {
		t.Error("over 1 MiB of noise is taken")
	}
	if err := vet(line); err != nil {
		t.Errorf("a good line: %v", err)
	}
}

func FuzzHandshake(f *testing.F) {
	f.Add([]byte("noise\n1|1|unix|/a|grpc|cert\nmore"), 5)
	f.Add([]byte("1|99999999999|unix|/a|grpc|\n"), 1)
	f.Fuzz(func(t *testing.T, p []byte, cut int) {
		cut = max(0, min(cut, len(p)))
		line, rest, other, err := find(string(p[:cut]), string(p[cut:]))
		if err == nil && line != "" && len(line)+len(rest)+len(other) > len(p)+1 {
			t.Errorf("%q: more came out than went in: %q %q %q", p, line, rest, other)
		}
		if line != "" {
			_ = vet(line)
		}
		var split bytes.Buffer
		s := &lineSplitter{each: func(l []byte, _ int) {
			split.Write(l)
			_, _ = parseLine(string(l))
		}}
		_, _ = s.Write(p[:cut])
		_, _ = s.Write(p[cut:])
		s.flush()
		if split.Len() > len(p) {
			t.Errorf("%q: lines have %d bytes", p, split.Len())
		}
	})
}

func TestLogLines(t *testing.T) {
	for _, test := range [][2]string{
		{`{"@level":"warn","@message":"m","@timestamp":"t","a":1,"b":{"c":"d"}}`, "WARN m a=1 b=map[c:d]"},
		{`{"level":"ERROR","msg":"m","time":"t"}`, "ERROR m"},
		{`{"@message":"m"}`, "INFO m"},
		{`{"@level":"trace","@message":"m","n":12345678901234567890}`, "DEBUG m n=12345678901234567890"},
		{`{"some":"json"}`, ""},
		{`{"@message":"m"} and more`, ""},
		{`{broken`, ""},
		{`plain`, ""},
	} {
		in, want := test[0], test[1]
		got := ""
		if e, ok := parseLine(in); ok {
			got = e.level.String() + " " + e.message
			for _, a := range e.attrs {
				got += " " + a.String()
			}
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}

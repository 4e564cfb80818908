package ingress_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/ingress"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/sdktest"
)

// certify writes a certificate for 127.0.0.1 under a name into dir.
func certify(t *testing.T, dir, name string, until time.Time) (file, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{
		SerialNumber: big.NewInt(until.UnixNano()), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: until.Add(-1000 * 24 * time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, of, of, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	file, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{file: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return file, key
}

// shown sends a webhook over TLS and gives the certificate's name.
func shown(t *testing.T, r *rig, minimum, maximum uint16) (name string, err error) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true, MinVersion: minimum, MaxVersion: maximum},
	}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+r.addr+"/in/shop/"+token, strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Errorf("answered %d", resp.StatusCode)
	}
	return resp.TLS.PeerCertificates[0].Subject.CommonName, nil
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	file, key := certify(t, dir, "first", time.Now().Add(100*24*time.Hour))
	c, err := ingress.LoadCertificate(file, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, nil, func(o *ingress.Options) { o.Certificate = c })
	if name, err := shown(t, r, tls.VersionTLS12, 0); err != nil || name != "first" {
		t.Errorf("shown %q, %v", name, err)
	}
	if _, err := shown(t, r, tls.VersionTLS10, tls.VersionTLS11); err == nil {
		t.Error("TLS 1.1 is taken")
	}
	// Plain HTTP on that port is answered, and nothing of it is taken.
	before := len(r.journal.all())
	plain := r.dial(t)
	put(t, plain, "POST /in/shop/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", token)
	if got := rest(t, plain); !strings.HasPrefix(got, "HTTP/1.0 400 ") {
		t.Errorf("plain HTTP is answered %q", got)
	}
	if n := len(r.journal.all()); n != before {
		t.Error("plain HTTP was taken")
	}
}

// A certificate that is replaced is shown to new connections; one that cannot be
// used is not.
func TestCertificateIsReplaced(t *testing.T) {
	dir := t.TempDir()
	file, key := certify(t, dir, "first", time.Now().Add(100*24*time.Hour))
	log := &sdktest.Log{}
	c, err := ingress.LoadCertificate(file, key, log.Logger())
	if err != nil {
		t.Fatal(err)
	}
	later := time.Now()
	look := func() string {
		later = later.Add(time.Minute)
		return ingress.NameAt(c, later)
	}
	touch := func(name string) {
		if err := os.Chtimes(name, later, later.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	certify(t, dir, "second", time.Now().Add(200*24*time.Hour))
	touch(file)
	if got := look(); got != "second" {
		t.Errorf("after a change %q is shown", got)
	}
	if err := os.WriteFile(file, []byte("half of a"), 0o600); err != nil {
		t.Fatal(err)
	}
	touch(file)
	for range 3 {
		if got := look(); got != "second" {
			t.Errorf("after a broken change %q is shown", got)
		}
	}
	if n := strings.Count(log.String(), "the old one stays"); n != 1 {
		t.Errorf("the broken change is logged %d times:\n%s", n, log)
	}
	certify(t, dir, "third", time.Now().Add(300*24*time.Hour))
	touch(file)
	if got := look(); got != "third" {
		t.Errorf("after it is mended %q is shown", got)
	}
}

func TestCertificatesThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	file, key := certify(t, dir, "first", time.Now().Add(time.Hour))
	ended, endedKey := certify(t, t.TempDir(), "ended", time.Now().Add(-time.Hour))
	none := filepath.Join(dir, "none.pem")
	secret, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ file, key, want string }{
		"no certificate": {none, key, none},
		"no key":         {file, none, none},
		"swapped":        {key, file, key},
		"another's key":  {file, endedKey, "does not match"},
		"ended":          {ended, endedKey, "it ended on "},
		"a folder":       {dir, key, dir},
	} {
		_, err := ingress.LoadCertificate(tt.file, tt.key, nil)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "TLS for webhooks: ") {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), strings.Split(string(secret), "\n")[1]) {
			t.Errorf("%s: the key is told: %v", name, err)
		}
	}
	log := &sdktest.Log{}
	if _, err := ingress.LoadCertificate(file, key, log.Logger()); err != nil || !strings.Contains(log.String(), "ends soon") {
		t.Errorf("%v, and it is not said that it ends soon: %s", err, log)
	}
}

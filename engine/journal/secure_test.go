package journal_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// authority is a maker of certificates for this machine.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
	dir  string
	n    int64
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key, dir: t.TempDir(), n: 1}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "roots"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	a.file = a.write(t, "ca.pem", "CERTIFICATE", a.sign(t, a.cert, key))
	return a
}

func (a *authority) sign(t testing.TB, c *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func (a *authority) write(t testing.TB, name, kind string, der []byte) string {
	t.Helper()
	file := filepath.Join(a.dir, name)
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// issue makes a certificate and its key.
func (a *authority) issue(t testing.TB, name string) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a.n++
	der, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(a.n), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	return a.write(t, name+".pem", "CERTIFICATE", a.sign(t, c, k)), a.write(t, name+"-key.pem", "EC PRIVATE KEY", der)
}

// configured runs a NATS server with a configuration file, as an operator does.
func configured(t testing.TB, text string) *server.Server {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "nats.conf")
	text = fmt.Sprintf("server_name: alone\nlisten: \"127.0.0.1:-1\"\nmax_payload: 9MB\n%s\n", strings.ReplaceAll(text, "STORE", filepath.Join(dir, "js")))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return natsServer(t, func(to *server.Options) {
		o.NoLog, o.NoSigs = true, true
		*to = *o
	})
}

const jetStreamOn = "jetstream {store_dir: \"STORE\", max_file_store: 64GB, sync: always}\n"

// reach opens a journal, stores an event in it, and gives what went wrong.
func reach(t testing.TB, s *server.Server, c journal.Cluster) error {
	t.Helper()
	c.URLs, c.Replicas = []string{s.ClientURL()}, 1
	j, err := journal.Open(t.Context(), journal.Options{
		Cluster: &c, MaxEventBytes: 8 << 20, MaxOutcomeBytes: 8 << 20, MaxDeadBytes: 8 << 20,
		MaxUndecodedBytes: journal.MinUndecodedBytes, AcceptWait: time.Minute,
	})
	if err != nil {
		return err
	}
	accept(t, j, order("1", "v1", "{}"))
	return j.Close(t.Context())
}

// refusal checks that a cluster cannot be used, with the setting to look at and words
// that say why.
func refusal(t testing.TB, err error, setting string, words ...string) {
	t.Helper()
	ce, ok := errors.AsType[*journal.ClusterError](err)
	if !ok {
		t.Errorf("got %v, want an error of the cluster", err)
		return
	}
	if ce.Setting != setting {
		t.Errorf("the setting is %q, want %q: %v", ce.Setting, setting, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
	if strings.Contains(err.Error(), "planted") {
		t.Errorf("a secret stands in %q", err)
	}
}

func TestTLSToTheCluster(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	cert, key := a.issue(t, "server")
	mine, mineKey := a.issue(t, "engine")
	stranger, strangerKey := other.issue(t, "stranger")
	conf := fmt.Sprintf("%stls {cert_file: %q, key_file: %q, ca_file: %q, verify: true}\nauthorization {user: crosswalk, password: planted}\n", jetStreamOn, cert, key, a.file)
	s := configured(t, conf)
	good := journal.Cluster{User: "crosswalk", Password: "planted", CA: a.file, Certificate: mine, Key: mineKey}
	if err := reach(t, s, good); err != nil {
		t.Fatal(err)
	}
	with := func(f func(c *journal.Cluster)) journal.Cluster {
		c := good
		f(&c)
		return c
	}
	text := filepath.Join(t.TempDir(), "text.pem")
	if err := os.WriteFile(text, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, setting string
		c             journal.Cluster
		words         []string
	}{
		{"other roots", "tls", with(func(c *journal.Cluster) { c.CA = other.file }), []string{"unknown authority", "tls.ca"}},
		{"the system's roots", "tls", with(func(c *journal.Cluster) { c.CA, c.Certificate, c.Key = "", "", "" }), []string{"tls.ca"}},
		{"no certificate", "tls", with(func(c *journal.Cluster) { c.Certificate, c.Key = "", "" }), []string{"certificate"}},
		{"a stranger's certificate", "tls", with(func(c *journal.Cluster) { c.Certificate, c.Key = stranger, strangerKey }), []string{"certificate"}},
		{"a key of another certificate", "tls", with(func(c *journal.Cluster) { c.Key = strangerKey }), []string{"certificate"}},
		{"no file", "tls", with(func(c *journal.Cluster) { c.CA = "/nowhere/ca.pem" }), []string{"/nowhere/ca.pem"}},
		{"no PEM", "tls", with(func(c *journal.Cluster) { c.CA = text }), []string{text, "no certificate in PEM"}},
		{"a wrong password", "user", with(func(c *journal.Cluster) { c.Password = "planted-wrong" }), []string{"does not let the engine in"}},
		{"no user", "url", with(func(c *journal.Cluster) { c.User, c.Password = "", "" }), []string{"does not let the engine in"}},
	} {
		t.Run(tt.name, func(t *testing.T) { refusal(t, reach(t, s, tt.c), tt.setting, tt.words...) })
	}
	plain := configured(t, jetStreamOn)
	refusal(t, reach(t, plain, journal.Cluster{CA: a.file}), "tls", "TLS")
}

func TestTokenToTheCluster(t *testing.T) {
	s := configured(t, jetStreamOn+"authorization {token: planted}\n")
	if err := reach(t, s, journal.Cluster{Token: "planted"}); err != nil {
		t.Fatal(err)
	}
	refusal(t, reach(t, s, journal.Cluster{Token: "planted-wrong"}), "token", "does not let the engine in")
}

// keyPair makes a key of a kind, and gives its public part.
func keyPair(t testing.TB, make func() (nkeys.KeyPair, error)) (k nkeys.KeyPair, public string, seed []byte) {
	t.Helper()
	k, err := make()
	if err == nil {
		public, err = k.PublicKey()
	}
	if err == nil {
		seed, err = k.Seed()
	}
	if err != nil {
		t.Fatal(err)
	}
	return k, public, seed
}

func TestNkeyToTheCluster(t *testing.T) {
	_, public, seed := keyPair(t, nkeys.CreateUser)
	s := configured(t, jetStreamOn+fmt.Sprintf("authorization {users: [{nkey: %s}]}\n", public))
	dir := t.TempDir()
	file := func(name string, text []byte) string {
		at := filepath.Join(dir, name)
		if err := os.WriteFile(at, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return at
	}
	if err := reach(t, s, journal.Cluster{Credentials: file("engine.nk", append(seed, '\n'))}); err != nil {
		t.Fatal(err)
	}
	_, _, wrong := keyPair(t, nkeys.CreateUser)
	refusal(t, reach(t, s, journal.Cluster{Credentials: file("wrong.nk", wrong)}), "credentials", "does not let the engine in")
	refusal(t, reach(t, s, journal.Cluster{Credentials: file("text", []byte("planted"))}), "credentials", "neither")
	refusal(t, reach(t, s, journal.Cluster{Credentials: filepath.Join(dir, "none")}), "credentials", "cannot be read")
}

func TestCredentialsFileToTheCluster(t *testing.T) {
	operator, operatorName, _ := keyPair(t, nkeys.CreateOperator)
	account, accountName, _ := keyPair(t, nkeys.CreateAccount)
	_, userName, seed := keyPair(t, nkeys.CreateUser)
	claims := func(c interface {
		Encode(nkeys.KeyPair) (string, error)
	}, by nkeys.KeyPair,
	) string {
		text, err := c.Encode(by)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	_, systemName, _ := keyPair(t, nkeys.CreateAccount)
	oc, ac, sc := jwt.NewOperatorClaims(operatorName), jwt.NewAccountClaims(accountName), jwt.NewAccountClaims(systemName)
	ac.Limits.JetStreamLimits = jwt.JetStreamLimits{DiskStorage: -1, MemoryStorage: -1, Streams: -1, Consumer: -1}
	operatorText, accountText := claims(oc, operator), claims(ac, operator)
	user := func(until time.Time) string {
		uc := jwt.NewUserClaims(userName)
		if !until.IsZero() {
			uc.Expires = until.Unix()
		}
		text, err := jwt.FormatUserConfig(claims(uc, account), seed)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "engine.creds")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	s := configured(t, jetStreamOn+fmt.Sprintf("operator: %s\nsystem_account: %s\nresolver: MEMORY\nresolver_preload: {%s: %s, %s: %s}\n",
		operatorText, systemName, accountName, accountText, systemName, claims(sc, operator)))
	if err := reach(t, s, journal.Cluster{Credentials: user(time.Time{})}); err != nil {
		t.Fatal(err)
	}
	refusal(t, reach(t, s, journal.Cluster{Credentials: user(time.Now().Add(-time.Minute))}), "credentials", "does not let the engine in")
}

// What a server cannot do is said at the start.
func TestClustersThatCannotBeUsed(t *testing.T) {
	gone := configured(t, jetStreamOn)
	address := gone.ClientURL()
	gone.Shutdown()
	gone.WaitForShutdown()
	_, err := journal.Open(t.Context(), journal.Options{Cluster: &journal.Cluster{URLs: []string{address}, Replicas: 1}})
	refusal(t, err, "url", strings.TrimPrefix(address, "nats://"), "can be reached")

	refusal(t, reach(t, configured(t, ""), journal.Cluster{}), "url", "no JetStream", "sync: always")

	account := func(limits, more string) string {
		return jetStreamOn + fmt.Sprintf("accounts {CW {jetstream: %s, users: [{user: crosswalk, password: planted%s}]}}\n", limits, more)
	}
	c := journal.Cluster{User: "crosswalk", Password: "planted"}
	refusal(t, reach(t, configured(t, account("disabled", "")), c), "url", "no JetStream for this account")
	refusal(t, reach(t, configured(t, account("{max_file: 10MB}", "")), c), "max_events", "no room")
	refusal(t, reach(t, configured(t, account("{max_streams: 2}", "")), c), "", "max_streams")
	j := onCluster(t, configured(t, account("{max_consumers: 4}", "")), func(o *journal.Options) { o.Cluster.User, o.Cluster.Password = c.User, c.Password })
	refusal(t, j.EnsureLane(t.Context(), lane), "", "max_consumers")
	refusal(t, reach(t, configured(t, account("enabled", `, permissions: {publish: "events.>"}`)), c), "url", "permissions")
}

// Whether the servers sync each write is asked of a monitor with TLS by the same roots.
func TestMonitorWithTLS(t *testing.T) {
	a := newAuthority(t)
	cert, key := a.issue(t, "server")
	own := fmt.Sprintf("tls {cert_file: %q, key_file: %q}\nhttps: \"127.0.0.1:-1\"\n", cert, key)
	monitor := func(s *server.Server) []string { return []string{"https://" + s.MonitorAddr().String()} }
	s := configured(t, jetStreamOn+own)
	if err := reach(t, s, journal.Cluster{CA: a.file, Monitors: monitor(s)}); err != nil {
		t.Fatal(err)
	}
	s = configured(t, strings.Replace(jetStreamOn, "always", "10s", 1)+own)
	refusal(t, reach(t, s, journal.Cluster{CA: a.file, Monitors: monitor(s)}), "monitor", "sync: always")
}

package e2e

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// deadline bounds every wait; the machines that run this may be slow.
const deadline = 90 * time.Second

const (
	shopToken       = "e2e-shop-token"
	salesdriveToken = "e2e-salesdrive-token"
	crmToken        = "e2e-crm-token"
	saleappKey      = "sandbox-organization-key"
	novaposhtaKey   = "sandbox-novaposhta-key"
)

// binaries is where TestMain built crosswalk, sandbox and plugins/.
var binaries string

func TestMain(m *testing.M) {
	if what := os.Getenv(diskEnv); what != "" {
		fmt.Fprintln(os.Stderr, "e2e: put", os.Args[1:], "on a disk:", becomeOnDisk(what))
		os.Exit(1)
	}
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "crosswalk-e2e-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binaries = dir
	if err := os.Mkdir(filepath.Join(dir, "plugins"), 0o755); err != nil {
		return 0, err
	}
	for _, args := range [][]string{
		{"-o", dir + "/", "../cmd/crosswalk", "../../examples/sandbox", "../../examples/cluster"},
		{"-o", dir + "/plugins/", "../../plugins/horoshop", "../../plugins/novaposhta", "../../plugins/retailcrm", "../../plugins/saleapp", "../../plugins/salesdrive"},
	} {
		if out, err := exec.Command("go", append([]string{"build"}, args...)...).CombinedOutput(); err != nil {
			return 0, fmt.Errorf("go build %v: %w\n%s", args, err, out)
		}
	}
	return m.Run(), nil
}

// proc is a process that a test started.
type proc struct {
	cmd    *exec.Cmd
	exited chan struct{}
	err    error

	mu  sync.Mutex
	out bytes.Buffer
}

// spawn starts a binary and calls line for each line that it prints.
func spawn(t testing.TB, env []string, line func(string), name string, args ...string) *proc {
	t.Helper()
	return spawnOn(t, nil, env, line, name, args...)
}

// spawnOn is spawn with a program that writes to a disk; nil is the machine's own.
func spawnOn(t testing.TB, d *disk, env []string, line func(string), name string, args ...string) *proc {
	t.Helper()
	p := &proc{cmd: exec.Command(filepath.Join(binaries, name), args...), exited: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	attach := func() {}
	if d != nil {
		attach = d.mount(t, p.cmd)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	attach()
	var readers sync.WaitGroup
	for _, r := range []io.Reader{stdout, stderr} {
		readers.Go(func() {
			sc := bufio.NewScanner(r)
			sc.Buffer(nil, 1<<20)
			for sc.Scan() {
				p.mu.Lock()
				p.out.WriteString(sc.Text() + "\n")
				p.mu.Unlock()
				line(sc.Text())
			}
		})
	}
	go func() {
		readers.Wait()
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("what %s printed (its end):\n%s", name, tail(p.log(), 6000))
		}
	})
	return p
}

func (p *proc) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// kill ends the process with -9 and waits until it is gone.
func (p *proc) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// stacks ends a process that does not do what it should, and shows what it was at.
func (p *proc) stacks(t testing.TB) {
	t.Helper()
	before := len(p.log())
	_ = p.cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case <-p.exited:
	case <-time.After(deadline):
		t.Errorf("the process does not end with SIGQUIT in %s", deadline)
	}
	t.Logf("what it was at:\n%s", p.log()[before:])
}

// terminate ends the process in order and gives how it exited.
func (p *proc) terminate(t testing.TB) error {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.exited:
		return p.err
	case <-time.After(deadline):
		t.Fatal("still running after SIGTERM")
		return nil
	}
}

// await waits for what a process says when it is ready.
func await[T any](t testing.TB, p *proc, said <-chan T) T {
	t.Helper()
	select {
	case v := <-said:
		return v
	case <-p.exited:
		t.Fatalf("ended before it was ready: %v\n%s", p.err, p.log())
	case <-time.After(deadline):
		t.Fatalf("not ready in %s\n%s", deadline, p.log())
	}
	panic("unreachable")
}

// sandbox is a running sandbox of SaleApp and Nova Poshta.
type sandbox struct {
	*proc
	root string
}

func startSandbox(t testing.TB, args ...string) *sandbox {
	t.Helper()
	addr := make(chan string, 1)
	p := spawn(t, nil, func(line string) {
		if i := strings.Index(line, "http://"); i >= 0 {
			select {
			case addr <- strings.Fields(line[i:])[0]:
			default:
			}
		}
	}, "sandbox", append([]string{"--listen", "127.0.0.1:0"}, args...)...)
	host := strings.SplitN(strings.TrimPrefix(await(t, p, addr), "http://"), "/", 2)[0]
	return &sandbox{proc: p, root: "http://" + host}
}

// order is an order as the sandbox lists it.
type order struct {
	ID         string          `json:"id"`
	ExternalID string          `json:"external_id"`
	Delivery   string          `json:"delivery_types"`
	CityRef    string          `json:"city_ref"`
	BranchRef  string          `json:"branch_ref"`
	Addres     string          `json:"addres"`
	Writes     int             `json:"writes"`
	Products   json.RawMessage `json:"products"`
}

func (s *sandbox) orders(t testing.TB) []order {
	t.Helper()
	var out []order
	getJSON(t, s.root+"/saleapp/_orders", &out)
	return out
}

// write is a write as the sandbox logs it.
type write struct {
	Sequence   int
	Verb       string
	ExternalID string `json:"external_id"`
	Addres     string
}

// writes gives all writes, in the order in which they were done.
func (s *sandbox) writes(t testing.TB) []write {
	t.Helper()
	var out []write
	getJSON(t, s.root+"/saleapp/_writes", &out)
	return out
}

// faults switches the faults of all vendors, as POST /_faults takes them.
func (s *sandbox) faults(t testing.TB, body string) {
	t.Helper()
	s.postFaults(t, "/_faults", body)
}

// fault switches the faults of one vendor.
func (s *sandbox) fault(t testing.TB, vendor, body string) {
	t.Helper()
	s.postFaults(t, "/"+vendor+"/_faults", body)
}

func (s *sandbox) postFaults(t testing.TB, path, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.root+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		text, _ := io.ReadAll(resp.Body)
		t.Fatalf("POST %s: %s %s", path, resp.Status, text)
	}
}

// site is an engine's configuration and data, that outlive its process.
type site struct {
	dir     string
	sandbox *sandbox
	// key is the one that the engine gives to SaleApp.
	key string
	// disk is where the engine keeps its data; nil is the machine's own.
	disk *disk
	// plugins is the folder of plugins, "" for the one that all tests share.
	plugins string
	// flags are further ones of the engine.
	flags []string
}

// newSite makes a configuration with the shipped mappings over a sandbox.
func newSite(t testing.TB, sb *sandbox) *site {
	t.Helper()
	mappings, err := filepath.Abs("../../mappings")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	text := fmt.Sprintf(`
mappings: [%q]
ingress: {listen: "127.0.0.1:0", rate: off}
admin: {listen: "127.0.0.1:0"}
log: {level: info, format: json}
storage: {min_free_disk: 16MiB}
connections:
  shop: {plugin: horoshop, token: %s}
  salesdrive: {plugin: salesdrive, token: %s}
  crm: {plugin: retailcrm, token: %s}
  saleapp:
    plugin: saleapp
    config: {url: %q, secret_key: "${env:SALEAPP_KEY}", key: organization, client_id: 50, curency_id: 6, warehouse_id: 7, request_timeout: 2s, settle: 1s}
  novaposhta:
    plugin: novaposhta
    config: {url: %q, api_key: "${env:NOVAPOSHTA_KEY}", request_timeout: 2s}
`, filepath.Join(mappings, "*", "mapping.yaml"), shopToken, salesdriveToken, crmToken, sb.root+"/saleapp/server/api", sb.root+"/novaposhta/v2.0/json/")
	if err := os.WriteFile(filepath.Join(dir, "crosswalk.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return &site{dir: dir, sandbox: sb, key: saleappKey}
}

// engine is a running engine.
type engine struct {
	*proc
	ingress, admin string
}

// start starts the engine and waits until it is ready.
func (s *site) start(t testing.TB) *engine {
	t.Helper()
	p, said := s.launch(t)
	l := await(t, p, said)
	return &engine{proc: p, ingress: "http://" + l.Ingress, admin: "http://" + l.Admin}
}

// again waits until an engine that has begun anew by itself is ready for the n-th time.
func (s *site) again(t testing.TB, e *engine, n int) *engine {
	t.Helper()
	var l readyLine
	eventually(t, "the engine to be ready again", func() error {
		ready := e.readyLines()
		select {
		case <-e.exited:
			t.Fatalf("it has ended: %v\n%s", e.err, tail(e.log(), 4000))
		default:
		}
		if len(ready) < n {
			return errors.New("it is not")
		}
		l = ready[len(ready)-1]
		return nil
	})
	return &engine{proc: e.proc, ingress: "http://" + l.Ingress, admin: "http://" + l.Admin}
}

// readyLines gives all that the engine has logged of being ready.
func (p *proc) readyLines() (ready []readyLine) {
	for text := range strings.Lines(p.log()) {
		var said readyLine
		if json.Unmarshal([]byte(text), &said) == nil && said.Msg == "ready" {
			ready = append(ready, said)
		}
	}
	return ready
}

// readyLine is what the engine logs when it is ready.
type readyLine struct{ Msg, Ingress, Admin string }

// launch starts the engine. What it says comes when it is ready.
func (s *site) launch(t testing.TB) (*proc, <-chan readyLine) {
	t.Helper()
	said := make(chan readyLine, 1)
	p := spawnOn(t, s.disk, []string{"SALEAPP_KEY=" + s.key, "NOVAPOSHTA_KEY=" + novaposhtaKey}, func(text string) {
		var l readyLine
		if json.Unmarshal([]byte(text), &l) == nil && l.Msg == "ready" {
			select {
			case said <- l:
			default: // it has begun anew
			}
		}
	}, "crosswalk", append([]string{
		"run", "--config", filepath.Join(s.dir, "crosswalk.yaml"),
		"--plugins", cmp.Or(s.plugins, filepath.Join(binaries, "plugins")), "--data", filepath.Join(s.dir, "data"),
	}, s.flags...)...)
	return p, said
}

// status is what the admin API says of the engine, as far as the tests look.
type status struct {
	Connections []struct {
		Name     string `json:"name"`
		PID      int    `json:"pid"`
		Restarts int    `json:"restarts"`
	} `json:"connections"`
	Lanes []struct {
		Source  string `json:"source"`
		Waiting []struct {
			Key      string                          `json:"key"`
			Attempts int                             `json:"attempts"`
			Next     time.Time                       `json:"next"`
			Reason   struct{ Class, Message string } `json:"reason"`
		} `json:"waiting"`
	} `json:"lanes"`
	Counters struct {
		Accepted  uint64 `json:"accepted"`
		Delivered uint64 `json:"delivered"`
		Dead      uint64 `json:"dead"`
	} `json:"counters"`
}

// counters is what a status counts.
func (e *engine) counters(t testing.TB) (accepted, delivered, dead uint64) {
	t.Helper()
	c := e.status(t).Counters
	return c.Accepted, c.Delivered, c.Dead
}

// settled tells whether every event of n has been delivered and none is dead.
func (e *engine) settled(t testing.TB, n uint64) error {
	t.Helper()
	if accepted, delivered, dead := e.counters(t); accepted != n || delivered != n || dead != 0 {
		return fmt.Errorf("%d accepted, %d delivered, %d dead, want %d delivered", accepted, delivered, dead, n)
	}
	return nil
}

func (e *engine) status(t testing.TB) status {
	t.Helper()
	var st status
	getJSON(t, e.admin+"/api/v1/status", &st)
	return st
}

// pid gives the process of a connection, waiting until it has one.
func (e *engine) pid(t testing.TB, connection string) int {
	t.Helper()
	var pid int
	eventually(t, "a process of "+connection, func() error {
		for _, c := range e.status(t).Connections {
			if c.Name == connection {
				pid = c.PID
			}
		}
		if pid == 0 {
			return errors.New("none")
		}
		return nil
	})
	return pid
}

// send sends one webhook and gives the answer's status and body; an error means
// that no answer came.
func send(ctx context.Context, method, url, contentType, body string) (int, string, error) {
	return sendWith(ctx, http.DefaultClient, method, url, contentType, body)
}

func sendWith(ctx context.Context, client *http.Client, method, url, contentType, body string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// insist sends a webhook until it is accepted, as the vendors do.
func insist(ctx context.Context, method, url, body string) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	var last error
	for {
		code, text, err := send(ctx, method, url, "application/json", body)
		if err == nil && code/100 == 2 {
			return nil
		}
		last = fmt.Errorf("%d %s %w", code, text, err)
		if code/100 == 4 && code != http.StatusTooManyRequests {
			return last
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return last
		}
	}
}

// shopOrder makes a Horoshop order_created.
func shopOrder(id int, note string) string {
	return fmt.Sprintf(`{"order_id":%d,"user":%d,"delivery_name":"Покупець %d","delivery_email":"p%d@poshta.example","delivery_phone":"+38067%07d","delivery_city":"Полтава","delivery_address":%q,"delivery_type":{"id":2,"title":"Кур'єр"},"delivery_price":60,"comment":"","payment_type":{"id":15,"title":"Накладений платіж"},"payed":0,"total_default":500,"total_sum":499.5,"total_quantity":2,"stat_status":1,"stat_created":"2026-11-02 20:41:13","currency":"UAH","order_without_callback":false,"products":[{"title":"Ліхтар","article":"LT-%d","price":249.75,"quantity":2,"discount_marker":"NONE","total_price":499.5}]}`,
		id, id, id, id, id, note, id%7)
}

// salesdriveOrder makes a SalesDrive webhook: new_order for version 1, else
// status_change.
func salesdriveOrder(id, version int) string {
	ev := "status_change"
	if version == 1 {
		ev = "new_order"
	}
	return fmt.Sprintf(`{"info":{"webhookType":"order","webhookEvent":%q,"account":"kramnychka"},"data":{"id":%d,"formId":1,"version":%d,"statusId":%d,"paymentAmount":100,"shipping_address":"v%d","contacts":[{"fName":"Іван","lName":"Франко","phone":["380671112233"]}],"products":[{"sku":"A-1","amount":1,"price":100}]},"meta":{"fields":{}}}`,
		ev, id, version, version, version)
}

// crmOrder makes what a RetailCRM trigger sends for a new order.
func crmOrder(id int) string {
	return fmt.Sprintf(`{"event":"new_order","id":%d,"number":"%d","createdAt":"2026-11-02 20:15:00","summ":100,"totalSumm":100,"prepaySum":0,"lastName":"Франко","firstName":"Іван","phone":"+380671112233","delivery":{"code":"courier","address":{"city":"Львів","text":"вул. Нова, 1"}},"status":"new","customFields":[],"items":[{"id":1,"initialPrice":100,"quantity":1,"offer":{"externalId":"A-1"}}]}`, id, id)
}

func getJSON(t testing.TB, url string, v any) {
	t.Helper()
	if err := tryJSON(t, url, v); err != nil {
		t.Fatal(err)
	}
}

// tryJSON is getJSON where there may be no answer for now.
func tryJSON(t testing.TB, url string, v any) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("GET %s: %s %s", url, resp.Status, text)
	}
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		return fmt.Errorf("GET %s: %w", url, err)
	}
	return nil
}

// eventually calls try until it gives nil.
func eventually(t testing.TB, what string, try func() error) {
	t.Helper()
	end := time.Now().Add(deadline)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("waited %s for %s: %v", deadline, what, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// exactlyOnce tells whether the sandbox has each order from first to last, each
// exactly once, and nothing else.
func exactlyOnce(orders []order, first, last int) error {
	seen := map[string]int{}
	for _, o := range orders {
		seen[o.ExternalID]++
	}
	missing, double := 0, 0
	for id := first; id <= last; id++ {
		switch n := seen[fmt.Sprint(id)]; {
		case n == 0:
			missing++
		case n > 1:
			double++
		}
	}
	if want := last - first + 1; missing > 0 || double > 0 || len(orders) != want {
		return fmt.Errorf("%d orders, want %d: %d missing, %d double", len(orders), want, missing, double)
	}
	return nil
}

func tail(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return "…" + s[len(s)-n:]
}

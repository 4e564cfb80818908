package operate_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// labels are the labels of each metric that the engine has, by the metric's name.
func labels(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for line := range strings.Lines(read(t, "../../engine/metrics/testdata/scrape.txt")) {
		if name, rest, ok := strings.Cut(strings.TrimSpace(line), "{"); ok && !strings.HasPrefix(line, "#") {
			out[name] += rest
		} else if name, _, ok := strings.Cut(line, " "); ok {
			out[name] += ""
		}
	}
	return out
}

var (
	metric = regexp.MustCompile(`crosswalk_[a-z_]+`)
	by     = regexp.MustCompile(`by \(([a-z_, ]+)\)`)
	picked = regexp.MustCompile(`[{,]([a-z_]+)(?:=~|!~|!=|=)"`)
	legend = regexp.MustCompile(`\{\{ *(?:\$labels\.)?([a-z_]+) *\}\}`)
)

// check finds the metrics of an expression, and holds the labels that it and the
// texts beside it name against theirs.
func check(t *testing.T, where, expr string, texts ...string) {
	t.Helper()
	known := labels(t)
	names := metric.FindAllString(expr, -1)
	has := map[string]bool{"instance": true, "job": true, "le": true}
	for _, name := range names {
		of, ok := known[name]
		if !ok {
			t.Errorf("%s: the engine has no metric %s", where, name)
		}
		for _, m := range regexp.MustCompile(`([a-z_]+)="`).FindAllStringSubmatch(of, -1) {
			has[m[1]] = true
		}
	}
	var wanted []string
	for _, m := range by.FindAllStringSubmatch(expr, -1) {
		wanted = append(wanted, strings.Split(m[1], ", ")...)
	}
	for _, m := range picked.FindAllStringSubmatch(expr, -1) {
		wanted = append(wanted, m[1])
	}
	for _, text := range texts {
		for _, m := range legend.FindAllStringSubmatch(text, -1) {
			wanted = append(wanted, m[1])
		}
	}
	for _, l := range wanted {
		if !has[l] {
			t.Errorf("%s: %v has no label %s", where, names, l)
		}
	}
}

var (
	used    = regexp.MustCompile("`crosswalk ([a-z]+)(?: ([a-z]+))?[^`]*`")
	command = regexp.MustCompile(`(?:Use:\s+|sinkCommand\()"([a-z]+)`)
)

// commands holds the commands that a text names against those that there are, and gives
// how many it names.
func commands(t *testing.T, where, text string) int {
	t.Helper()
	files, err := filepath.Glob("../../engine/cli/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("the commands are not found: %v", err)
	}
	there := map[string]bool{"": true}
	for _, f := range files {
		for _, m := range command.FindAllStringSubmatch(read(t, f), -1) {
			there[m[1]] = true
		}
	}
	all := used.FindAllStringSubmatch(text, -1)
	for _, m := range all {
		if !there[m[1]] || !there[m[2]] {
			t.Errorf("%s: there is no command %s", where, m[0])
		}
	}
	return len(all)
}

func TestAlerts(t *testing.T) {
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Labels      map[string]string
				Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "alerts.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			n++
			if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%s does not say what is wrong and what to do", r.Alert)
			}
			if s := r.Labels["severity"]; s != "critical" && s != "warning" {
				t.Errorf("%s has the severity %q", r.Alert, s)
			}
			if commands(t, r.Alert, r.Annotations["description"]) == 0 {
				t.Errorf("%s names no command to run", r.Alert)
			}
			check(t, r.Alert, r.Expr, r.Annotations["summary"], r.Annotations["description"])
		}
	}
	if n < 5 {
		t.Errorf("%d alerts found", n)
	}
}

func TestDashboard(t *testing.T) {
	var board struct {
		Panels []struct {
			Title, Description string
			Datasource         struct{ UID string }
			GridPos            struct{ X, Y, W, H int }
			FieldConfig        struct{ Defaults struct{ Unit string } }
			Targets            []struct {
				Expr, LegendFormat string
				Datasource         struct{ UID string }
			}
		}
	}
	if err := json.Unmarshal([]byte(read(t, "dashboard.json")), &board); err != nil {
		t.Fatal(err)
	}
	shown := ""
	for i, p := range board.Panels {
		if len(p.Targets) == 0 || p.FieldConfig.Defaults.Unit == "" {
			t.Errorf("%s shows nothing, or has no unit", p.Title)
		}
		if p.Datasource.UID != "${datasource}" {
			t.Errorf("%s has a data source of its own", p.Title)
		}
		at := p.GridPos
		for _, q := range board.Panels[:i] {
			if o := q.GridPos; at.X < o.X+o.W && o.X < at.X+at.W && at.Y < o.Y+o.H && o.Y < at.Y+at.H {
				t.Errorf("%s lies over %s", p.Title, q.Title)
			}
		}
		if at.X+at.W > 24 || at.W < 1 || at.H < 1 {
			t.Errorf("%s lies outside", p.Title)
		}
		commands(t, p.Title, p.Description)
		for _, target := range p.Targets {
			if target.Datasource.UID != "${datasource}" || target.LegendFormat == "" {
				t.Errorf("%s asks a data source of its own, or has no legend", p.Title)
			}
			check(t, p.Title, target.Expr, target.LegendFormat)
			shown += target.Expr
		}
	}
	for name := range labels(t) {
		base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")
		if strings.HasPrefix(name, "crosswalk_") && !strings.Contains(shown+unshown, base) {
			t.Errorf("the dashboard shows %s nowhere", name)
		}
	}
}

// unshown are metrics that alerts or people ask for, and no panel.
const unshown = "crosswalk_build_info crosswalk_webhooks_total crosswalk_events_duplicate_total " +
	"crosswalk_last_event_timestamp_seconds crosswalk_attempts_total crosswalk_lookup_calls_total crosswalk_lookup_failures_total crosswalk_sink_records crosswalk_undecoded_bytes " +
	"crosswalk_sink_shut_timestamp_seconds crosswalk_paused_mapping_oldest_event_timestamp_seconds crosswalk_config_valid crosswalk_config_last_reload_success_timestamp_seconds crosswalk_reloads_total"

// The unit is well formed, and it starts what there is.
func TestUnit(t *testing.T) {
	unit := read(t, "crosswalk.service")
	if !strings.Contains(unit, "\nExecStart=/opt/crosswalk/bin/crosswalk run --config /etc/crosswalk/crosswalk.yaml\n") {
		t.Error("the unit does not start the engine")
	}
	if !strings.Contains(unit, "\nStartLimitIntervalSec=0\n") {
		t.Error("systemd would give the engine up after five starts that fail")
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("the unit's syntax was not checked: there is no systemd-analyze")
	}
	// The program need not be installed where the test runs.
	dir := t.TempDir()
	file := filepath.Join(dir, "crosswalk.service")
	unit = strings.ReplaceAll(unit, "/opt/crosswalk/bin/crosswalk", "/bin/true")
	if err := os.WriteFile(file, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", "--recursive-errors=no", file).CombinedOutput()
	if err != nil || strings.Contains(string(out), "crosswalk.service:") {
		t.Errorf("%v\n%s", err, out)
	}
}

// The image is built from what make makes.
func TestDockerfile(t *testing.T) {
	docker := read(t, "Dockerfile")
	goVersion := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../../go.mod"))
	if goVersion == nil || !strings.Contains(docker, "FROM golang:"+goVersion[1]+" AS build") {
		t.Errorf("the image is built with another Go than go.mod's %v", goVersion)
	}
	for _, want := range []string{"RUN CGO_ENABLED=0 make build", "/src/bin/crosswalk ", "/src/bin/plugins ", `CMD ["run", "--config", "/etc/crosswalk/crosswalk.yaml"]`} {
		if !strings.Contains(docker, want) {
			t.Errorf("the Dockerfile has no %q", want)
		}
	}
	if !strings.Contains(read(t, "../../Makefile"), "\nbuild:") {
		t.Error("make has no target build")
	}
	health := regexp.MustCompile(`(?s)HEALTHCHECK.*?CMD /opt/crosswalk/bin/crosswalk ([a-z]+) --config /etc/crosswalk/crosswalk.yaml `).FindStringSubmatch(docker)
	if health == nil {
		t.Fatal("the image does not say how well it is")
	}
	commands(t, "HEALTHCHECK", "`crosswalk "+health[1]+"`")
	// The engine's data, the binaries of this machine and the history stay out of it.
	ignored := "\n" + read(t, "../../.dockerignore")
	for _, want := range []string{".git", "bin", "data"} {
		if !strings.Contains(ignored, "\n"+want+"\n") {
			t.Errorf(".dockerignore lets %s into the image", want)
		}
	}
}

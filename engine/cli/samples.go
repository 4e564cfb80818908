package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/project"
	"github.com/crosswalk-etl/crosswalk/engine/words"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// wantEnding is how the files end that hold what is wanted.
const wantEnding = ".want.json"

// queryEnding is how the files end that hold the query of a webhook's URL.
const queryEnding = ".query"

// maxQueryBytes bounds the query of a sample.
const maxQueryBytes = 64 << 10

// sample is a body with what is wanted of it.
type sample struct {
	// name is the body's file name without its ending.
	name string
	// body, want, lookups (answers) and query (of the webhook's URL) are the files;
	// all but body need not be there.
	body, want, lookups, query string
	// stray is the file that is no sample, where there is a problem.
	stray string
	// problem says why it cannot be tested; "" if it can.
	problem string
}

// findSamples lists a folder's samples by name; a folder that is not there holds
// none. What looks like a sample and is none becomes one with a problem, so that
// no misspelt file passes for a test.
func findSamples(dir string) ([]sample, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, project.NewFileError("the folder", dir, err)
	}
	var out []sample
	bodies, beside := map[string]string{}, []string{}
	for _, e := range entries {
		file, path := e.Name(), filepath.Join(dir, e.Name())
		ending := filepath.Ext(file)
		name := strings.TrimSuffix(file, ending)
		switch {
		case e.IsDir() || strings.HasPrefix(file, ".") || ending == ".md":
		case strings.HasSuffix(file, wantEnding), strings.HasSuffix(file, lookupsEnding), ending == queryEnding:
			beside = append(beside, file)
		case !strings.EqualFold(ending, ".json") && !isForm(file) && !isLines(file):
			out = append(out, sample{name: file, stray: path, problem: fmt.Sprintf("%s is no sample: the name of a body ends in .json, .form or .ndjson", project.Shown(path))})
		case bodies[name] != "":
			out = append(out, sample{name: name, stray: path, problem: fmt.Sprintf("%s and %s share one name and so one %s; rename one", words.Plain(bodies[name]), words.Plain(file), words.Plain(name+wantEnding))})
		default:
			bodies[name] = file
			out = append(out, sample{name: name, body: path, want: filepath.Join(dir, name+wantEnding), lookups: filepath.Join(dir, name+lookupsEnding), query: filepath.Join(dir, name+queryEnding)})
		}
	}
	for _, file := range beside {
		path := filepath.Join(dir, file)
		if name := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(file, wantEnding), lookupsEnding), queryEnding); bodies[name] == "" {
			out = append(out, sample{name: name, stray: path, problem: fmt.Sprintf("%s has no body: there is no %s.json, .form or .ndjson", project.Shown(path), words.Plain(name))})
		}
	}
	slices.SortStableFunc(out, func(a, b sample) int { return cmp.Compare(a.name, b.name) })
	return out, nil
}

// answers reads what the sample's lookups answer; none without a file.
func (s *sample) answers(ctx context.Context, p *project.Project) (*knownAnswers, error) {
	if _, err := os.Stat(s.lookups); errors.Is(err, os.ErrNotExist) {
		return &knownAnswers{file: s.lookups}, nil
	}
	known, err := readAnswers(s.lookups)
	if err != nil {
		return nil, err
	}
	return known, known.check(ctx, p)
}

// request makes the webhook that would have brought the sample, with the query of
// its URL from the file beside it; none without a file.
func (s *sample) request(body []byte) (wire.Request, error) {
	query, err := project.ReadBounded("the query", s.query, maxQueryBytes)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return wire.Request{}, err
	}
	return bodyRequest(s.body, "POST", strings.TrimSpace(string(query)), body), nil
}

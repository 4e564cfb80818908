package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/mattn/go-isatty"

	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/project"
)

// offer is an event or an operation that one may choose.
type offer struct{ ref, title string }

// complete asks for what the flags do not say, if somebody is there to answer.
func (a *app) complete(ctx context.Context, cfg *config.Config, f *initFlags) error {
	missing := f.from == "" || f.to == "" || f.input == "" && !f.noBody
	if !missing {
		return nil
	}
	var events, operations []offer
	if f.from == "" || f.to == "" {
		err := a.withProject(ctx, cfg, func(ctx context.Context, p *project.Project) error {
			events, operations = a.offers(ctx, p)
			return nil
		})
		if err != nil {
			return err
		}
	}
	if !a.terminal() {
		return missingFlag(f, events, operations)
	}
	ask := &asker{in: bufio.NewReader(a.stdin), out: a.stderr}
	a.stdin = ask.in
	var err error
	if f.from == "" {
		if f.from, err = ask.choose("Which event is mapped?", "--from", events); err != nil {
			return err
		}
	}
	if f.to == "" {
		if f.to, err = ask.choose("Where does it go?", "--to", operations); err != nil {
			return err
		}
	}
	if f.input == "" && !f.noBody {
		if err := ask.body(f); err != nil {
			return err
		}
	}
	if f.name == "" {
		if f.name, err = ask.name(nameFrom(f.from)); err != nil {
			return err
		}
	}
	return nil
}

// terminal tells whether a person is at standard input.
func (a *app) terminal() bool {
	file, ok := a.stdin.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

// offers lists what the connections have; those that cannot be asked are named.
func (a *app) offers(ctx context.Context, p *project.Project) (events, operations []offer) {
	for _, conn := range p.Config.Connections {
		if ctx.Err() != nil {
			return nil, nil
		}
		spec, err := p.Catalog.Spec(ctx, conn.Name)
		if err != nil {
			if ctx.Err() == nil {
				a.message("connection %s is left out: %v\n", conn.Name, err)
			}
			continue
		}
		for _, e := range spec.Events {
			events = append(events, offer{conn.Name + "." + e.Name, e.Title})
		}
		for _, o := range spec.Operations {
			operations = append(operations, offer{conn.Name + "." + o.Name, o.Title})
		}
	}
	return events, operations
}

// missingFlag says which flag is missing, and what it can be.
func missingFlag(f *initFlags, events, operations []offer) error {
	switch {
	case f.from == "":
		return fmt.Errorf("--from is missing: %s", oneOf(events, "an event"))
	case f.to == "":
		return fmt.Errorf("--to is missing: %s", oneOf(operations, "an operation"))
	default:
		return errors.New("--input is missing: name a file with a body as the source sends it, or - for standard input; or say --no-body")
	}
}

func oneOf(all []offer, what string) string {
	if len(all) == 0 {
		return "no connection of the configuration has " + what
	}
	refs := make([]string, len(all))
	for i, o := range all {
		refs[i] = o.ref
	}
	return diag.ThereAre(refs)
}

// asker asks a person.
type asker struct {
	in  *bufio.Reader
	out io.Writer
}

// line asks for one line; what says what is not known if there is no answer.
func (q *asker) line(question, what string) (string, error) {
	_, _ = fmt.Fprint(q.out, question)
	s, err := q.in.ReadString('\n')
	if err != nil && strings.TrimSpace(s) == "" {
		_, _ = fmt.Fprintln(q.out)
		if errors.Is(err, io.EOF) {
			return "", fmt.Errorf("the answers ended; say it with %s", what)
		}
		return "", fmt.Errorf("the answer cannot be read: %w", err)
	}
	return strings.TrimSpace(s), nil
}

// choose lets a person choose by number or by name.
func (q *asker) choose(question, flag string, all []offer) (string, error) {
	if len(all) == 0 {
		return "", fmt.Errorf("%s cannot be asked for: %s", flag, oneOf(all, "such a thing"))
	}
	_, _ = fmt.Fprintln(q.out, question)
	refs := make([]string, len(all))
	for i, o := range all {
		refs[i] = o.ref
		_, _ = fmt.Fprintf(q.out, "  %2d  %s  %s\n", i+1, o.ref, o.title)
	}
	for {
		s, err := q.line("number or name: ", flag)
		if err != nil {
			return "", err
		}
		if n, err := strconv.Atoi(s); err == nil && n >= 1 && n <= len(all) {
			return all[n-1].ref, nil
		}
		for _, ref := range refs {
			if ref == s {
				return s, nil
			}
		}
		hint := diag.DidYouMean(s, refs)
		if hint == "" {
			hint = fmt.Sprintf("a number from 1 to %d, or a name", len(all))
		}
		_, _ = fmt.Fprintf(q.out, "%q is none of them: %s\n", s, hint)
	}
}

// body asks for a file with a body.
func (q *asker) body(f *initFlags) error {
	for {
		s, err := q.line("File with a body as the source sends it (empty: none): ", "--input or --no-body")
		if err != nil {
			return err
		}
		if s == "" {
			f.noBody = true
			return nil
		}
		info, err := os.Stat(s)
		if err == nil && !info.IsDir() {
			f.input = s
			return nil
		}
		if err == nil {
			err = errors.New("is a folder")
		}
		_, _ = fmt.Fprintf(q.out, "%s cannot be read: %v\n", s, project.Bare(err))
	}
}

// name asks for the mapping's name.
func (q *asker) name(otherwise string) (string, error) {
	for {
		s, err := q.line(fmt.Sprintf("Name of the mapping (empty: %s): ", otherwise), "--name")
		if err != nil {
			return "", err
		}
		if s == "" {
			return otherwise, nil
		}
		if mappingName.MatchString(s) {
			return s, nil
		}
		_, _ = fmt.Fprintf(q.out, "%q is no name: letters, digits, - and _, at most 64\n", s)
	}
}

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/admin/client"
	"github.com/crosswalk-etl/crosswalk/engine/project"
)

func (a *app) deadEdit() *cobra.Command {
	var ch chosen
	var who doing
	var sets []string
	var file string
	cmd := &cobra.Command{
		Use:   "edit EVENT",
		Short: "Put a dead letter on its way again with a corrected record",
		Long: `Corrects the event's record, and maps and delivers it again. The letter keeps the record that came. With
neither --set nor --file, the record is opened in the editor that VISUAL or EDITOR names.`,
		Args: byEvent.one,
	}
	r := a.remoteFlags(cmd)
	ch.flags(cmd)
	who.flags(cmd)
	cmd.Flags().StringArrayVar(&sets, "set", nil, "`path=value` to put in, as products.0.sku=A-1; a value that is JSON counts as that, any other as a text")
	cmd.Flags().StringVar(&file, "file", "", "`file` with the whole record")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(sets) > 0 && file != "" {
			return errors.New("give --set or --file, and not both")
		}
		return r.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			n, err := byEvent.number(args[0])
			if err != nil {
				return err
			}
			l, err := ch.letter(ctx, c, n)
			if err != nil {
				return err
			}
			record, err := a.corrected(ctx, l.Event.Record, sets, file)
			if err != nil {
				return err
			}
			act := acting{app: a, doing: "edit", done: "on its way again", who: who}
			act.each = func(ctx context.Context, c *client.Client, req admin.LettersRequest) (admin.LettersDone, error) {
				return client.Edit.Post(ctx, c, admin.EditRequest{Letter: req.Letters[0], Record: record, By: req.By})
			}
			var t tally
			if err := act.some(ctx, c, []admin.LetterID{l.LetterID}, &t); err != nil {
				return err
			}
			return act.end(&t)
		})
	}
	return cmd
}

// maxRecord bounds a corrected record in bytes.
const maxRecord = 16 << 20

// corrected gives the record as it is to be.
func (a *app) corrected(ctx context.Context, record json.RawMessage, sets []string, file string) (json.RawMessage, error) {
	switch {
	case len(sets) > 0:
		return setAll(record, sets)
	case file != "":
		text, err := project.ReadBounded("the record", file, maxRecord)
		if err != nil {
			return nil, err
		}
		return checkRecord(text, file)
	}
	return a.edited(ctx, record)
}

func checkRecord(text []byte, from string) (json.RawMessage, error) {
	var v map[string]json.RawMessage
	if err := json.Unmarshal(text, &v); err != nil || v == nil {
		if err == nil {
			err = errors.New("it is null")
		}
		return nil, fmt.Errorf("%s holds no JSON object: %w", from, err)
	}
	return text, nil
}

// edited lets a person correct the record in an editor.
func (a *app) edited(ctx context.Context, record json.RawMessage) (_ json.RawMessage, err error) {
	editor := os.Getenv("VISUAL")
	if editor == "" {
		editor = os.Getenv("EDITOR")
	}
	words := strings.Fields(editor)
	if len(words) == 0 {
		return nil, errors.New("correct the record with --set path=value or --file, or name an editor in EDITOR")
	}
	dir, err := os.MkdirTemp("", "crosswalk")
	if err != nil {
		return nil, fmt.Errorf("open the record in an editor: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "record.json")
	var before bytes.Buffer
	if err := json.Indent(&before, record, "", "  "); err != nil {
		return nil, fmt.Errorf("open the record in an editor: %w", err)
	}
	before.WriteByte('\n')
	if err := os.WriteFile(path, before.Bytes(), 0o600); err != nil {
		return nil, fmt.Errorf("open the record in an editor: %w", err)
	}
	cmd := exec.CommandContext(ctx, words[0], append(words[1:], path)...) //nolint:gosec // the user names the editor
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.stdin, a.stderr, a.stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("the editor %s: %w", words[0], err)
	}
	after, err := project.ReadBounded("the record", path, maxRecord)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(after, before.Bytes()) {
		return nil, errors.New("the record was not changed, and nothing was done")
	}
	return checkRecord(after, "the text that the editor left")
}

// setAll puts values into a record.
func setAll(record json.RawMessage, sets []string) (json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(record))
	dec.UseNumber() // numbers stay as they were written
	var root any
	if err := dec.Decode(&root); err != nil {
		return nil, fmt.Errorf("the letter's record: %w", err)
	}
	for _, s := range sets {
		path, text, found := strings.Cut(s, "=")
		if !found || path == "" {
			return nil, fmt.Errorf("--set %s: write path=value, as products.0.sku=A-1", s)
		}
		var err error
		if root, err = put(root, strings.Split(path, "."), valueOf(text), ""); err != nil {
			return nil, fmt.Errorf("--set %s: %w", s, err)
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("the corrected record: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

// valueOf is a JSON value, or a text where it is none.
func valueOf(text string) any {
	if json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return text
}

// put gives v with the value at the path below it. What is not there is made: an
// object, or an array's next element.
func put(v any, path []string, value any, at string) (any, error) {
	if len(path) == 0 {
		return value, nil
	}
	name := path[0]
	here := strings.TrimPrefix(at+"."+name, ".")
	switch parent := v.(type) {
	case nil:
		inner, err := put(nil, path[1:], value, here)
		return map[string]any{name: inner}, err
	case map[string]any:
		inner, err := put(parent[name], path[1:], value, here)
		parent[name] = inner
		return parent, err
	case []any:
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i > len(parent) {
			return nil, fmt.Errorf("%s is an array of %d: an element is named by its number, from 0 to %d", whole(at), len(parent), len(parent))
		}
		if i == len(parent) {
			parent = append(parent, nil)
		}
		parent[i], err = put(parent[i], path[1:], value, here)
		return parent, err
	case json.RawMessage:
		return nil, fmt.Errorf("%s was set before as a whole", whole(at))
	}
	return nil, fmt.Errorf("%s is a single value, and has nothing below it", whole(at))
}

func whole(at string) string {
	if at == "" {
		return "the record"
	}
	return at
}

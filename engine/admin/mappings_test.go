package admin_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/admin/client"
)

func mappingLife() admin.MappingLife {
	return admin.MappingLife{
		Mapping: "order", Source: "shop", Sink: "saleapp", State: "paused", Since: at, SHA256: "ab", Events: []string{"order_created"},
		From: 3, Backlog: 5, Oldest: &at, Was: []string{"orders"}, By: "olena", Reason: "gone", To: "order2", Affected: 7,
	}
}

func (e *engine) MappingLives(context.Context) (admin.MappingList, error) {
	return admin.MappingList{
		Mappings: []admin.MappingLife{mappingLife()}, Texts: []admin.KeptText{{SHA256: "ab", Mapping: "order", At: at}},
	}, e.err
}

func (e *engine) MappingText(_ context.Context, digest string) (admin.MappingText, error) {
	if digest != "abcdef" {
		return admin.MappingText{}, &admin.NotFoundError{Message: "no text " + digest + " is kept"}
	}
	return admin.MappingText{
		KeptText: admin.KeptText{SHA256: digest, Mapping: "order", At: at}, File: "m.yaml", Source: "mapping: order\n",
		Tables: []admin.TableText{{Path: "t.csv", File: "m/t.csv", Text: "a,b\n"}},
	}, e.err
}

func (e *engine) DropMapping(_ context.Context, r admin.MappingRequest) (admin.MappingDropped, error) {
	e.asked.request = r
	return admin.MappingDropped{Skipped: 5, Left: 2}, e.err
}

func (e *engine) RenameMapping(_ context.Context, r admin.RenameRequest) (admin.MappingRenamed, error) {
	e.asked.request = r
	return admin.MappingRenamed{Events: 4}, e.err
}

// TestClientOfMappings checks that what is asked for arrives as it was asked.
func TestClientOfMappings(t *testing.T) {
	e := full()
	srv := httptest.NewServer(admin.New(e, admin.Options{}))
	defer srv.Close()
	c := client.New(strings.TrimPrefix(srv.URL, "http://"), "")
	defer c.Close()
	same := func(err error, want, got any) {
		t.Helper()
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
	all, err := client.Mappings.Get(t.Context(), c)
	same(err, []admin.MappingLife{mappingLife()}, all.Mappings)
	text, err := client.MappingText.Get(t.Context(), c, "abcdef")
	same(err, "mapping: order\n", text.Source)
	if _, err := client.MappingText.Get(t.Context(), c, "a/b"); err == nil || !strings.Contains(err.Error(), "no text a/b is kept") {
		t.Errorf("a digest that is none: %v", err)
	}
	drop := admin.MappingRequest{Mapping: "order", Source: "shop", Sink: "saleapp", By: admin.By{By: "olena", Reason: "why", ID: "1"}}
	dropped, err := client.DropMapping.Post(t.Context(), c, drop)
	same(err, admin.MappingDropped{Skipped: 5, Left: 2}, dropped)
	same(nil, drop, e.asked.request)
	rename := admin.RenameRequest{MappingRequest: drop, To: "orders"}
	renamed, err := client.RenameMapping.Post(t.Context(), c, rename)
	same(err, admin.MappingRenamed{Events: 4}, renamed)
	same(nil, rename, e.asked.request)
}

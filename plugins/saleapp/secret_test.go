package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// The key stands in the address of every request. Whatever happens, it is in no
// failure, answer, diagnostic or log line, neither as it is nor as addresses write
// it.
func TestTheKeyNeverShows(t *testing.T) {
	const planted = "п/лант+ed key&42%"
	forms := []string{planted, url.QueryEscape(planted), url.PathEscape(planted), "%26" + "42"}
	echo := `{"error":"true","error_description":"Невідомий запит ?secret_key=` + planted + ` або ` + url.QueryEscape(planted) + `"}`
	far := map[string]func(http.ResponseWriter){
		"closed":       drop,
		"500":          status(500),
		"redirect":     status(302, "Location", "https://elsewhere.example/?secret_key="+url.QueryEscape(planted)),
		"echo":         body(echo),
		"echo 404":     bodyWith(404, echo),
		"echo 500":     bodyWith(500, echo),
		"echo success": body(strings.Replace(strings.Replace(echo, `"true"`, `"false"`, 1), `{`, `{"create_id":1,`, 1)),
		"HTML":         body("<html>" + planted + "</html>"),
		"bad header":   status(200, "Content-Length", "1"),
	}
	check := func(t *testing.T, conn *connection, texts ...string) {
		t.Helper()
		for _, text := range append(texts, conn.logged.String()) {
			for _, f := range forms {
				if strings.Contains(text, f) {
					t.Errorf("the key shows in %q", text)
				}
			}
		}
	}
	for name, a := range far {
		t.Run(name, func(t *testing.T) {
			conn := connect(t, organization(serve(t, &scripted{answers: map[string]func(http.ResponseWriter){
				"GET": a, "POST": a, "PUT": a, "DELETE": a,
			}}), config{"secret_key": planted}))
			for _, op := range []string{opCreate, opUpsert} {
				r := conn.write(op, order("A", nil))
				check(t, conn, fmt.Sprint(r.Failure), string(r.Answer))
			}
			check(t, conn, fmt.Sprint(conn.handler.Check(t.Context())))
			err := conn.handler.Find(t.Context(), lookupOrder, []wire.Question{{Args: json.RawMessage(`{"id":1}`)}}, func(an wire.Answer) {
				check(t, conn, fmt.Sprint(an.Failure))
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
	t.Run("unreachable", func(t *testing.T) {
		conn := connect(t, organization("http://127.0.0.1:1/api", config{"secret_key": planted}))
		r := conn.write(opCreate, order("A", nil))
		if r.Failure == nil || !strings.Contains(r.Failure.Message, "127.0.0.1:1") {
			t.Errorf("%v, want the address that cannot be reached", r.Failure)
		}
		if strings.Contains(r.Failure.Message, "secret_key") {
			t.Errorf("%v: the address of the request is no business of a message", r.Failure)
		}
		check(t, conn, fmt.Sprint(r.Failure))
	})
	t.Run("wrong configuration", func(t *testing.T) {
		c := organization("http://127.0.0.1:1/?secret_key="+planted, config{"secret_key": planted, "settle": planted, "key": planted})
		conn, ds := configure(t, c)
		if len(ds) == 0 {
			t.Error("taken")
		}
		check(t, conn, fmt.Sprint(ds))
	})
	t.Run("it is sent", func(t *testing.T) {
		var got string
		conn := connect(t, organization(serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = r.URL.Query().Get("secret_key")
			_, _ = fmt.Fprint(w, `{"error":"false","create_id":1}`)
		})), config{"secret_key": planted}))
		conn.must(opCreate, order("A", nil))
		if got != planted {
			t.Errorf("the far side got %q", got)
		}
	})
}

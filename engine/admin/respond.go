package admin

import (
	"context"
	"net/http"
	"strconv"
)

// respond answers a request with what ask gives.
func respond[A any](a *api, w http.ResponseWriter, r *http.Request, ask func(context.Context) (A, error)) {
	out, err := ask(r.Context())
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	if untidy, is := any(&out).(interface{ tidy() }); is {
		untidy.tidy()
	}
	a.write(w, http.StatusOK, out)
}

// answer reads a request of the type that do takes, and answers with what do gives.
func answer[Q, A any](a *api, w http.ResponseWriter, r *http.Request, do func(context.Context, Q) (A, error)) {
	var req Q
	if a.read(w, r, &req) {
		respond(a, w, r, func(ctx context.Context) (A, error) { return do(ctx, req) })
	}
}

// numbered answers with the one thing that the path names by its sequence; what is
// the thing, for people.
func numbered[A any](a *api, w http.ResponseWriter, r *http.Request, what string, ask func(context.Context, uint64) (A, error)) {
	if _, ok := a.query(w, r); !ok {
		return
	}
	n, err := strconv.ParseUint(r.PathValue("sequence"), 10, 63)
	if err != nil || n == 0 {
		a.fail(w, http.StatusBadRequest, "bad_parameter", what+" is named by its sequence, a whole number from 1 on")
		return
	}
	respond(a, w, r, func(ctx context.Context) (A, error) { return ask(ctx, n) })
}

// listed is a list of which a client finds an empty array rather than null.
func listed[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

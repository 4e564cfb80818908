package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// sentWebhook is what became of a webhook at its sender.
type sentWebhook struct {
	webhook
	first    time.Time // when it was sent first
	accepted time.Time // when it was first answered 2xx
}

// chaosSenders sends a plan's webhooks, each until it is accepted, as the vendors do.
type chaosSenders struct {
	client  *http.Client
	civil   *civil
	ingress atomic.Pointer[string]
	due     atomic.Int64 // how many have been due

	mu       sync.Mutex
	sent     []sentWebhook
	before   map[int]chan struct{} // of an order: closed when its last webhook is accepted
	answers  map[string]int
	problems []error
}

func newChaosSenders(ingress string) *chaosSenders {
	c := &civil{RoundTripper: &http.Transport{MaxIdleConnsPerHost: 64}}
	s := &chaosSenders{
		client: &http.Client{Timeout: 20 * time.Second, Transport: c}, civil: c,
		before: map[int]chan struct{}{}, answers: map[string]int{},
	}
	s.ingress.Store(&ingress)
	return s
}

// run sends at the rate, whatever the engine does, and returns once all are accepted.
func (s *chaosSenders) run(ctx context.Context, webhooks []webhook, rate int) {
	var all sync.WaitGroup
	began, none := time.Now(), make(chan struct{})
	close(none)
	for i, w := range webhooks {
		select {
		case <-time.After(time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(rate)))):
		case <-ctx.Done():
			return
		}
		s.due.Add(1)
		wait, done := none, make(chan struct{})
		if b := s.before[w.order]; b != nil && !w.hasty && !w.late {
			wait = b
		}
		if !w.late {
			s.before[w.order] = done
		}
		all.Go(func() {
			defer close(done)
			select {
			case <-wait:
				s.one(ctx, w)
			case <-ctx.Done():
			}
		})
	}
	all.Wait()
}

// one sends a webhook until it is accepted, and then what is sent again on purpose.
func (s *chaosSenders) one(ctx context.Context, w webhook) {
	record := sentWebhook{webhook: w, first: time.Now()}
	for range 1 + w.repeats {
		if err := s.insist(ctx, w); err != nil {
			s.mu.Lock()
			s.problems = append(s.problems, fmt.Errorf("order %d, version %d: %w", w.order, w.version, err))
			s.mu.Unlock()
			return
		}
		if record.accepted.IsZero() {
			record.accepted = time.Now()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, record)
}

func (s *chaosSenders) insist(ctx context.Context, w webhook) error {
	pause := 100 * time.Millisecond
	for end := time.Now().Add(5 * time.Minute); ; {
		method, path, body := w.request()
		code, text, err := sendWith(ctx, s.client, method, *s.ingress.Load()+path, "application/json", body)
		answer := fmt.Sprint(code)
		if err != nil {
			answer = "none"
			if strings.Contains(err.Error(), "connection refused") {
				answer = "no engine"
			}
		}
		s.mu.Lock()
		s.answers[answer]++
		s.mu.Unlock()
		switch {
		case err == nil && code/100 == 2:
			return nil
		case err == nil && code/100 == 4 && code != http.StatusTooManyRequests:
			return fmt.Errorf("refused: %d %s", code, text)
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Now().After(end):
			return errors.Join(fmt.Errorf("not accepted in five minutes: %d %s", code, text), err)
		}
		time.Sleep(pause/2 + rand.N(pause))
		pause = min(2*pause, 2*time.Second)
	}
}

// request makes the webhook.
func (w webhook) request() (method, path, body string) {
	if w.shop {
		return http.MethodPut, "/in/shop/" + shopToken, shopOrder(w.order, fmt.Sprintf("v%d", w.version))
	}
	body = salesdriveOrder(w.order, w.version)
	if w.bad {
		body = strings.Replace(body, goodProducts, `"products":[]`, 1)
	}
	return http.MethodPost, "/in/salesdrive/" + salesdriveToken, body
}

// goodProducts is what a bad webhook of SalesDrive lacks.
const goodProducts = `"products":[{"sku":"A-1","amount":1,"price":100}]`

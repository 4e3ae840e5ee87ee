package httpx

import (
	"net/http"
	"testing"
	"time"
)

func TestWait(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	date := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for name, tc := range map[string]struct {
		headers map[string]string
		want    time.Duration
	}{
		"nothing":                          {nil, 0},
		"seconds":                          {map[string]string{"Retry-After": "120"}, 2 * time.Minute},
		"a date":                           {map[string]string{"Retry-After": date(90 * time.Second)}, 90 * time.Second},
		"a date that has passed":           {map[string]string{"Retry-After": date(-time.Hour)}, 0},
		"now, whatever the others say":     {map[string]string{"Retry-After": "0", "Ratelimit-Reset": "50"}, 0},
		"Netlify: Unix time":               {map[string]string{"X-RateLimit-Reset": "1772443860"}, time.Minute},
		"Render: seconds left":             {map[string]string{"Ratelimit-Reset": "51"}, 51 * time.Second},
		"Render: Unix time, as documented": {map[string]string{"Ratelimit-Reset": "1772443820"}, 20 * time.Second},
		"Unix time that has passed":        {map[string]string{"Ratelimit-Reset": "1000000000"}, 0},
		"largest number of seconds":        {map[string]string{"Ratelimit-Reset": "999999999"}, time.Hour},
		"Retry-After wins":                 {map[string]string{"Retry-After": "3", "X-RateLimit-Reset": "1772443860"}, 3 * time.Second},
		"unreadable Retry-After":           {map[string]string{"Retry-After": "soon", "Ratelimit-Reset": "4"}, 4 * time.Second},
		"a day":                            {map[string]string{"Retry-After": "86400"}, time.Hour},
		"overflow":                         {map[string]string{"Retry-After": "9223372036854775807"}, time.Hour},
		"more than a number":               {map[string]string{"Retry-After": "99999999999999999999"}, 0},
		"negative":                         {map[string]string{"Retry-After": "-5"}, 0},
		"with spaces":                      {map[string]string{"Retry-After": " 5 "}, 5 * time.Second},
	} {
		h := http.Header{}
		for k, v := range tc.headers {
			h.Set(k, v)
		}
		if got := Wait(h, now); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

func FuzzWait(f *testing.F) {
	f.Add("120", "51")
	f.Add("Mon, 02 Mar 2026 09:30:00 GMT", "1772443860")
	f.Add("-1", "\x00")
	f.Fuzz(func(t *testing.T, after, reset string) {
		h := http.Header{"Retry-After": {after}, "Ratelimit-Reset": {reset}}
		if d := Wait(h, time.Now()); d < 0 || d > longestWait {
			t.Fatalf("waits %s", d)
		}
	})
}

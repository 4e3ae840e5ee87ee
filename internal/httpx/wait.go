package httpx

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// longestWait caps what a service may ask for.
const longestWait = time.Hour

// Wait reads how long a service asks us to wait: Retry-After in seconds or as a
// date (RFC 9110, 10.2.3), else X-RateLimit-Reset or Ratelimit-Reset, which some
// send as seconds left and some as Unix time (a value below 10^9 can only be the
// former). Zero when nothing is said; an hour at most.
func Wait(h http.Header, now time.Time) time.Duration {
	if d, ok := retryAfter(h, now); ok {
		return d
	}
	for _, name := range []string{"X-Ratelimit-Reset", "Ratelimit-Reset"} {
		if d, ok := seconds(h.Get(name), now); ok {
			return d
		}
	}
	return 0
}

func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	v := h.Get("Retry-After")
	if t, err := http.ParseTime(v); err == nil {
		return bounded(t.Sub(now)), true
	}
	return seconds(v, now)
}

func seconds(v string, now time.Time) (time.Duration, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
	if err != nil || n < 0 {
		return 0, false
	}
	if n >= 1_000_000_000 {
		n -= now.Unix()
	}
	return bounded(time.Duration(min(n, int64(longestWait/time.Second))) * time.Second), true
}

func bounded(d time.Duration) time.Duration { return min(max(d, 0), longestWait) }

package providers

import "context"

// Looked is how far a search for consumers is: how many of a sink's sites, services or
// repositories were looked at. Of is zero while it is not known how many there are.
type Looked struct {
	Provider   string
	Places, Of int
}

type watchKey struct{}

// Watch returns a context with which Locate tells how far it is. tell is called from
// the goroutine that searches; it must be quick.
func Watch(ctx context.Context, tell func(Looked)) context.Context {
	return context.WithValue(ctx, watchKey{}, tell)
}

// Tell is for sinks: it tells whoever watches a search, if somebody does.
func Tell(ctx context.Context, l Looked) {
	if tell, ok := ctx.Value(watchKey{}).(func(Looked)); ok {
		tell(l)
	}
}

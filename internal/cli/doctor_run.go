package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/secretguard/secretguard/internal/config"
	"github.com/secretguard/secretguard/internal/doctor"
	"github.com/secretguard/secretguard/internal/doctor/examine"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers/all"
	"github.com/secretguard/secretguard/internal/secret"
)

// examiner returns what looks at consumers. retired names the run that replaced a value,
// empty for none.
func (w *workspace) examiner(retired func(secret.Text) string) (*examine.Examiner, error) {
	queues, err := all.Queues(w.options)
	if err != nil {
		return nil, err
	}
	x := &examine.Examiner{
		Registry: w.registry, Missing: map[string]string{}, Queues: queues, Env: w.app.process(), Retired: retired,
		HTTP: httpx.New(httpx.Options{AllowPrivate: w.options.AllowPrivate, Version: Version(), Tries: 2, Timeout: 15 * time.Second}),
	}
	for _, p := range w.problems {
		x.Missing[p.Provider] = p.Missing
	}
	return x, nil
}

// declaredConsumers are the consumers of the user's own configuration for the plan, by
// where they are: doctor looks at those that a rotation changes.
func declaredConsumers(list []config.Consumer) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	for _, c := range list {
		// The others are changed one after the other: meanwhile they differ. The check of
		// its own is a part of the attestation.
		c.Same, c.Check = nil, nil
		b, err := json.Marshal(c)
		if err != nil {
			return nil, fmt.Errorf("the declaration of %s: %w", c.Name, err)
		}
		out[c.Where] = b
	}
	return out, nil
}

// wrongWith lets doctor look at a consumer of a plan, in the middle of a rotation.
func (w *workspace) wrongWith(ctx context.Context, declaration json.RawMessage) ([]string, error) {
	var c config.Consumer
	if err := json.Unmarshal(declaration, &c); err != nil {
		return nil, fmt.Errorf("the declaration in the plan cannot be read: %w", err)
	}
	retired, err := w.retired(ctx)
	if err != nil {
		return nil, err
	}
	x, err := w.examiner(retired)
	if err != nil {
		return nil, err
	}
	var wrong []string
	for _, r := range doctor.Diagnose(x.Examine(ctx, []config.Consumer{c})) {
		for _, f := range r.Findings {
			if f.Status == doctor.Bad {
				wrong = append(wrong, fmt.Sprintf("%s: %s (to mend it: %s)", f.Subject, f.Text, f.Remedy))
			}
		}
	}
	return wrong, nil
}

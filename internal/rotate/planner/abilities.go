package planner

import (
	"fmt"

	"github.com/secretguard/secretguard/internal/providers"
)

func sinkOf(r providers.Registry, name string) (providers.Sink, error) {
	p, ok := r.Get(name)
	if !ok {
		return nil, fmt.Errorf("provider %s is not configured: %w", name, providers.ErrUnsupported)
	}
	s, ok := providers.As[providers.Sink](p)
	if !ok {
		return nil, fmt.Errorf("provider %s stores no values: %w", name, providers.ErrUnsupported)
	}
	return s, nil
}

func deployerOf(r providers.Registry, name string) (providers.Deployer, error) {
	p, ok := r.Get(name)
	if !ok {
		return nil, fmt.Errorf("provider %s is not configured: %w", name, providers.ErrUnsupported)
	}
	d, ok := providers.As[providers.Deployer](p)
	if !ok {
		return nil, fmt.Errorf("provider %s cannot deploy: %w", name, providers.ErrUnsupported)
	}
	return d, nil
}

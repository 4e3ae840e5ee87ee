package lab

import (
	"bytes"
	"io"
	"maps"
	"strings"
	"time"
)

func readSome(r io.Reader) []byte {
	b, err := io.ReadAll(io.LimitReader(r, maxRequest))
	if err != nil {
		return nil
	}
	return b
}

func again(b []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(b)) }

// start deploys a service with the values as they are now.
func (r *Railway) start(e *railwayEnv, s *railwayService) *railwayDeploy {
	env := map[string]string{}
	own := maps.Clone(s.vars)
	for k, v := range e.sealed {
		if service, name, _ := strings.Cut(k, "/"); service == s.id {
			own[name] = v
		}
	}
	for k, v := range own {
		for name, shared := range e.shared {
			v = strings.ReplaceAll(v, "${{shared."+name+"}}", shared)
		}
		for _, other := range e.services {
			for name, theirs := range other.vars {
				v = strings.ReplaceAll(v, "${{"+other.name+"."+name+"}}", theirs)
			}
		}
		env[k] = v
	}
	d := &railwayDeploy{id: random("0123456789abcdef", 16), started: time.Now(), failed: r.fail, env: env}
	s.deploys = append(s.deploys, d)
	return d
}

// told is a deploy as the API tells of it.
func (r *Railway) told(s *railwayService, d *railwayDeploy) any {
	return map[string]any{"id": d.id, "createdAt": d.started.UTC().Format(time.RFC3339Nano), "status": r.status(s, d)}
}

// status: a deploy serves until a later one does.
func (r *Railway) status(s *railwayService, d *railwayDeploy) string {
	done := func(d *railwayDeploy) bool { return time.Since(d.started) >= r.lab.opts.DeployTime }
	switch {
	case !done(d):
		return "DEPLOYING"
	case d.failed:
		return "FAILED"
	}
	for i := len(s.deploys) - 1; i >= 0 && s.deploys[i] != d; i-- {
		if later := s.deploys[i]; done(later) && !later.failed {
			return "REMOVED"
		}
	}
	return "SUCCESS"
}

func (r *Railway) find(id string) (*railwayEnv, *railwayService, *railwayDeploy) {
	for _, p := range r.projects {
		for _, e := range p.envs {
			for _, s := range e.services {
				for _, d := range s.deploys {
					if d.id == id {
						return e, s, d
					}
				}
			}
		}
	}
	return nil, nil, nil
}

func (r *Railway) deployment(id string) (any, string) {
	_, s, d := r.find(id)
	if d == nil {
		return nil, "Deployment not found"
	}
	return map[string]any{"deployment": r.told(s, d)}, ""
}

func (r *Railway) redeploy(id string) (any, string) {
	e, s, d := r.find(id)
	if d == nil {
		return nil, "Deployment not found"
	}
	return map[string]any{"deploymentRedeploy": r.told(s, r.start(e, s))}, ""
}

package issue_test

import (
	"context"
	"testing"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
	"github.com/secretguard/secretguard/internal/secret"
)

// showsAgain is an issuer that shows the value of a key whenever it is asked, as
// some do: everything else is the twin's.
type showsAgain struct {
	providers.Provider
	lab *lab.Lab
}

func (p showsAgain) Unwrap() providers.Provider { return p.Provider }

func (p showsAgain) Issue(ctx context.Context, r providers.IssueRequest) (providers.Issued, error) {
	is, _ := providers.As[providers.Issuer](p.Provider)
	return is.Issue(ctx, r)
}

func (p showsAgain) Reconcile(ctx context.Context, r providers.IssueRequest) (providers.Reconciliation, error) {
	is, _ := providers.As[providers.Issuer](p.Provider)
	rec, err := is.Reconcile(ctx, r)
	if rec.Outcome == providers.Orphaned {
		id := rec.Candidates[0].Ref.ID
		rec.Outcome, rec.Issued = providers.Adopted, &providers.Issued{
			Ref: rec.Candidates[0].Ref,
			Credential: credential.Credential{Kind: credential.AWSAccessKey, ID: id, Parts: map[credential.Part]secret.Text{
				credential.PartID: secret.New(id), credential.PartSecret: secret.New(p.lab.AWS.Secret(id)),
			}},
		}
	}
	return rec, err
}

// Where a lost key can be read again it is taken, not deleted and made anew:
// whether the answer was lost or the process that waited for it.
func TestLostKeyIsAdopted(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*rotatetest.World){
		"the answer is lost": func(w *rotatetest.World) {
			w.Lab.Fault("aws", "CreateAccessKey", lab.Fault{DropAfter: true})
		},
		"killed before the answer is sealed": func(w *rotatetest.World) {
			w.CrashAt = func(_ int, point string) bool { return point == "effect issue" }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := rotatetest.New(t)
			var list []providers.Provider
			for _, p := range w.Reg.All() {
				if p.Describe().Name == "aws" {
					p = showsAgain{p, w.Lab}
				}
				list = append(list, p)
			}
			w.Reg = providers.NewRegistry(list...)
			lose(w)
			p, err := w.Start(rotatetest.Fast)
			if err != nil {
				w.CrashAt = nil
				if err := w.Resume(p.ID); err != nil {
					t.Fatal(err)
				}
			}
			w.AssertRotated(p.ID)
			if made := w.Count("CreateAccessKey"); made != 1 {
				t.Errorf("%d keys were made", made)
			}
		})
	}
}

package prefect

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/guided"
	"github.com/secretguard/secretguard/internal/providers/probe"
)

// ServerName is the provider of the one string that a Prefect server of one's own
// takes, "user:password". Server and clients have it in their settings
// (PREFECT_SERVER_API_AUTH_STRING, PREFECT_API_AUTH_STRING); no call changes it, one
// value is taken at a time, and the server reads it when it starts
// (docs.prefect.io/v3/advanced/security-settings).
const ServerName = "prefect-server"

// ServerAddress is the name under which the server's address is set.
const ServerAddress = "prefect_server"

const serverPage = "https://docs.prefect.io/v3/advanced/security-settings"

func service() guided.Service {
	return guided.Service{
		Name: ServerName, Title: "Prefect servers of one's own", Kind: credential.PrefectAuthString, Cuts: true, Link: serverPage, Docs: serverPage,
		Make: []string{
			"make up a new string \"user:password\", such as: echo \"admin:$(openssl rand -hex 24)\"",
			"set PREFECT_SERVER_API_AUTH_STRING to it where the server runs, and restart the server: from here on every client is refused",
			"hand the new string in at once: it is put where the clients have the old one",
		},
		Retire: []string{"nothing is left to do when every process of the server was restarted; one that was not still takes the old string"},
		Right:  "a person who may change the server's settings and restart it",
		Limits: []string{
			"Which server takes a string cannot be seen in it: a refusal counts only in the proof of death, while the same server takes the new string before and after.",
			"Where a client has PREFECT_API_KEY too, documentation and code disagree on which is used: remove it.",
		},
		Names: nameOf, Beside: true,
	}
}

// nameOf names a string by its user and four digits of a hash: the end of a password
// that a person chose would tell too much of it.
func nameOf(plain string) string {
	user, _, _ := strings.Cut(plain, ":")
	sum := sha256.Sum256([]byte(plain))
	return user + ":…" + hex.EncodeToString(sum[:2])
}

// ServerDescriptor returns the provider as data.
func ServerDescriptor() providers.Descriptor {
	d := service().Descriptor()
	d.Settings = []providers.Setting{{Env: "SECRETGUARD_PREFECT_SERVER_URL", Help: "the server's API address, as PREFECT_API_URL has it: http://HOST:4200/api", Required: true}}
	return d
}

// NewServer returns the provider for the server at an address; it does no I/O.
func NewServer(cfg Config) (providers.Provider, error) {
	if cfg.BaseURL == "" {
		return nil, errors.New("set SECRETGUARD_PREFECT_SERVER_URL to the server's API address (http://HOST:4200/api)")
	}
	d := ServerDescriptor()
	return guided.Open(service(), guided.Config{Base: probe.At(cfg.BaseURL), Client: cfg.Client, Descriptor: &d}), nil
}

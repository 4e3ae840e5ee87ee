package keeper_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/secretguard/secretguard/internal/rotate/keeper"
	"github.com/secretguard/secretguard/internal/secret"
)

// These tests share the library's one keyring of this process: none is parallel.

func env(bus string) func(string) string {
	return func(name string) string {
		if name == "DBUS_SESSION_BUS_ADDRESS" {
			return bus
		}
		return ""
	}
}

func TestEntriesComeBack(t *testing.T) {
	keyring.MockInit()
	k := keeper.Keeper{Env: env("unix:path=/somewhere")}
	ctx := t.Context()
	if _, err := k.Get(ctx, "one"); !errors.Is(err, keeper.ErrNoEntry) {
		t.Fatalf("got %v", err)
	}
	if err := k.Set(ctx, "one", secret.New("a value")); err != nil {
		t.Fatal(err)
	}
	if v, err := k.Get(ctx, "one"); err != nil || v.Reveal() != "a value" {
		t.Fatalf("got %v", err)
	}
	for range 2 {
		if err := k.Delete(ctx, "one"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := k.Get(ctx, "one"); !errors.Is(err, keeper.ErrNoEntry) {
		t.Fatalf("got %v", err)
	}
	keyring.MockInitWithError(errors.New("the collection is locked"))
	if err := k.Set(ctx, "one", secret.New("a value")); err == nil || errors.Is(err, keeper.ErrNoEntry) {
		t.Fatalf("got %v", err)
	}
}

// Without a session bus nothing is started and nobody is waited for.
func TestNoBusIsNoKeyring(t *testing.T) {
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		t.Skip("NOT CHECKED: this system has a keyring without a bus")
	}
	keyring.MockInitWithError(errors.New("must not be asked"))
	k := keeper.Keeper{Env: func(name string) string {
		if name == "XDG_RUNTIME_DIR" {
			return t.TempDir()
		}
		return ""
	}}
	if _, err := k.Get(t.Context(), "one"); !errors.Is(err, keeper.ErrNone) {
		t.Fatalf("got %v", err)
	}
}

// The bus takes the connection and says nothing: the library would wait for ever. It
// runs in a process of its own, in which no mock stands in for the library.
func TestSilentBusEndsInTime(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("NOT CHECKED: the bus is Linux's")
	}
	path := os.Getenv("KEEPER_TEST_BUS")
	if path != "" {
		k := keeper.Keeper{Wait: 50 * time.Millisecond}
		if _, err := k.Get(t.Context(), "one"); !errors.Is(err, keeper.ErrSilent) {
			t.Fatalf("got %v", err)
		}
		return
	}
	path = filepath.Join(t.TempDir(), "bus")
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	met := make(chan bool, 1)
	go func() {
		if c, err := l.Accept(); err == nil {
			defer c.Close()
			met <- true
			<-t.Context().Done()
		}
	}()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSilentBusEndsInTime$")
	cmd.Env = append(os.Environ(), "KEEPER_TEST_BUS="+path, "DBUS_SESSION_BUS_ADDRESS=unix:path="+path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if len(met) != 1 {
		t.Error("the bus was not asked")
	}
}

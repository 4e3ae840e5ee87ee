package secret

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func waiving(t *testing.T, salt string, team Key) Waiving {
	t.Helper()
	w, err := NewWaiving([]byte(salt), team)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// What people make up is guessable however long it is.
func TestWhatIsGuessable(t *testing.T) {
	t.Parallel()
	for _, v := range []string{
		"", "hunter2", "password", "P@ssw0rd123!", "correcthorsebatterystaple", "correct-horse-battery-staple", "CorrectHorseBatteryStaple2024!",
		"P4ssw0rd-C0mp4ny-Pr0duct10n", "Winter2024Winter2024Winter2024", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "12345678901234567890123456789012345",
		strings.Repeat("a1", 40), "ab-ab-ab-ab-ab-ab-ab-ab-ab-ab-ab-ab-ab-ab", "my_company_production_database_pw", "sk" + "_live_" + strings.Repeat("x", 40), "2019-01-02-2020-03-04-2021",
	} {
		if !Guessable(New(v)) {
			t.Errorf("%q is said to be out of reach: %.0f bits", v, bits(v))
		}
	}
}

// Of the keys that services make, hardly one costs more than its share of time.
func TestRandomKeysAreNotGuessable(t *testing.T) {
	t.Parallel()
	const lower, upper, digits = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
	r := rand.New(rand.NewPCG(1, 2))
	for _, form := range []struct {
		prefix, alphabet string
		length           int
	}{
		{"", "0123456789abcdef", 32}, {"sk" + "_live_", lower + upper + digits, 24}, {"", lower + upper + digits + "+/", 40}, {"rnd_", lower + upper + digits, 28},
	} {
		const keys = 2000
		slow := 0
		for range keys {
			var b strings.Builder
			for range form.length {
				b.WriteByte(form.alphabet[r.IntN(len(form.alphabet))])
			}
			if Guessable(New(form.prefix + b.String())) {
				slow++
			}
		}
		if slow > keys/5 {
			t.Errorf("%d of %d keys of %d characters pass for guessable", slow, keys, form.length)
		}
	}
}

// The estimate and the hash are a format: other values would end every waiver.
func TestWaiverIDsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	key, err := KeyFromBytes([]byte(strings.Repeat("k", KeySize)))
	if err != nil {
		t.Fatal(err)
	}
	random := strings.Repeat("q7Zr2mXa", 1) + "Kp3vT9wY" + "b5Nc8dEf"
	got := fmt.Sprint(
		waiving(t, "0123456789abcdef", Key{}).ID("r", New("correcthorse")), " ", waiving(t, "0123456789abcdef", key).ID("r", New("correcthorse")), " ",
		waiving(t, "0123456789abcdef", Key{}).ID("r", New(random)), " ", key.Name(),
	)
	const want = "sgw1:56XvfewrCdRa2DGMUAWo0A sgw1:auU_1XTZv3i60vcH11hnpA sgw1:QKQ5JoFGTudwTTS6U1iMdA d11dbc7f"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWaiverIDsHangOnEverything(t *testing.T) {
	t.Parallel()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	a := waiving(t, "0123456789abcdef", Key{})
	for _, v := range []string{"hunter2", "q7Zr2mXaKp3vT9wYb5Nc8dEf"} {
		seen := map[string]string{}
		for name, id := range map[string]string{
			"plain": a.ID("r", New(v)), "other rule": a.ID("s", New(v)), "other value": a.ID("r", New(v+"x")),
			"other salt": waiving(t, "1123456789abcdef", Key{}).ID("r", New(v)), "with a key": waiving(t, "0123456789abcdef", key).ID("r", New(v)),
		} {
			if seen[id] != "" {
				t.Errorf("%s and %s are the same", name, seen[id])
			}
			seen[id] = name
		}
		if a.ID("r", New(v)) != waiving(t, "0123456789abcdef", Key{}).ID("r", New(v)) {
			t.Error("the id is not stable")
		}
	}
	if _, err := NewWaiving([]byte("short"), Key{}); err == nil {
		t.Error("a short salt was taken")
	}
	if (Key{}).Name() != "" || key.Name() == "" || strings.Contains(string(key.Bytes()), key.Name()) {
		t.Error("the name of a key is wrong")
	}
}

func BenchmarkWaiverID(b *testing.B) {
	w, err := NewWaiving([]byte("0123456789abcdef"), Key{})
	if err != nil {
		b.Fatal(err)
	}
	for name, v := range map[string]string{"guessable": "correcthorsebatterystaple", "random": "q7Zr2mXaKp3vT9wYb5Nc8dEf"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w.ID("r", New(v))
			}
		})
	}
}

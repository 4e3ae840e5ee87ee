package lab

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
)

// scramProof is what a client sent to show that it knows a password (RFC 7677), so that
// several can be tried on it: while a database's poolers do not all know of a new password,
// two of them fit. A library's server side keeps one.
type scramProof struct {
	salt    []byte
	message string // all that was said before the proof
	proof   []byte
}

const (
	scramRounds = 4096
	scramName   = "SCRAM-SHA-256"
)

// scram has the exchange up to the client's proof.
func (s *session) scram() (p scramProof, ok bool) {
	s.pg.Send(&pgproto3.AuthenticationSASL{AuthMechanisms: []string{scramName}})
	if s.flush() != nil || s.pg.SetAuthType(pgproto3.AuthTypeSASL) != nil {
		return p, false
	}
	m, err := s.pg.Receive()
	first, is := m.(*pgproto3.SASLInitialResponse)
	if err != nil || !is || first.AuthMechanism != scramName {
		return p, false
	}
	_, bare, _ := strings.Cut(string(first.Data), ",,")
	_, nonce, found := strings.Cut(bare, "r=")
	if !found {
		return p, false
	}
	p.salt = make([]byte, 16)
	_, _ = rand.Read(p.salt) // never fails
	server := "r=" + nonce + MadeUp("", 18) + ",s=" + base64.StdEncoding.EncodeToString(p.salt) + ",i=" + strconv.Itoa(scramRounds)
	s.pg.Send(&pgproto3.AuthenticationSASLContinue{Data: []byte(server)})
	if s.flush() != nil || s.pg.SetAuthType(pgproto3.AuthTypeSASLContinue) != nil {
		return p, false
	}
	m, err = s.pg.Receive()
	last, is := m.(*pgproto3.SASLResponse)
	if err != nil || !is {
		return p, false
	}
	said, proof, found := strings.Cut(string(last.Data), ",p=")
	p.message = bare + "," + server + "," + said
	p.proof, err = base64.StdEncoding.DecodeString(proof)
	return p, found && err == nil && len(p.proof) == sha256.Size
}

func hash(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte(text)) // never fails
	return h.Sum(nil)
}

func (p scramProof) salted(password string) []byte {
	key, err := pbkdf2.Key(sha256.New, password, p.salt, scramRounds, sha256.Size)
	if err != nil {
		panic("lab: no key of a password: " + err.Error()) // only lengths can be wrong
	}
	return key
}

// fits reports whether the proof is of a password.
func (p scramProof) fits(password string) bool {
	client := hash(p.salted(password), "Client Key")
	stored := sha256.Sum256(client)
	signature := hash(stored[:], p.message)
	for i := range client {
		client[i] ^= signature[i]
	}
	return hmac.Equal(client, p.proof)
}

// answer shows the client that we know the password too.
func (p scramProof) answer(password string) []byte {
	key := hash(p.salted(password), "Server Key")
	return []byte("v=" + base64.StdEncoding.EncodeToString(hash(key, p.message)))
}

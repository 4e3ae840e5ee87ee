package aws

import (
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
)

// accountOf reads the account out of an access key id, which newer ids carry:
// without the prefix they are base32, and the first six bytes hold the account
// shifted left by seven. Ids of before 2019, recognised by I or J as their fifth
// character, carry none. Source: trufflehog, pkg/detectors/aws/utils.go.
func accountOf(id string) (string, bool) {
	if len(id) != 20 || strings.ContainsRune("IJ", rune(id[4])) {
		return "", false
	}
	raw, err := base32.StdEncoding.DecodeString(id[4:])
	if err != nil {
		return "", false
	}
	head := binary.BigEndian.Uint64(append([]byte{0, 0}, raw[:6]...))
	return fmt.Sprintf("%012d", head&0x7fffffffff80>>7), true
}

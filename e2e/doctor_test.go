//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// doctor looks at a queue of moto's SQS with a consumer's key: what is there, what is
// not, and what moto cannot say is unknown.
func TestDoctorAgainstMoto(t *testing.T) {
	url := unwrapped(t, moto(t))
	root := iamClient(url, "test", "test")
	adminID, adminKey := motoUser(t, root, "secretguard-admin", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	botID, botKey := motoUser(t, root, "bot", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"*"}]}`)
	name := "jobs"
	client := sqs.New(sqs.Options{Region: "us-east-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	made, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		t.Fatal(err)
	}
	enforce(t, url)

	home := t.TempDir()
	lab := filepath.Join(home, "moto.json")
	doc, err := json.Marshal(map[string]any{"lab_url": url, "env": map[string]string{
		"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": adminID, "AWS_SECRET_ACCESS_KEY": adminKey, "AWS_REGION": "us-east-1",
	}})
	if err != nil {
		t.Fatal(err)
	}
	declaration := filepath.Join(home, "my.secretguard.toml")
	text := "[[consumer]]\nname = \"bot\"\nwhere = \"env\"\n[consumer.queue]\nkey_id = \"BOT_ID\"\nsecret = \"BOT_KEY\"\n"
	for path, content := range map[string]string{lab: string(doc), declaration: text} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	doctor := func(code int, id, key, queue string) string {
		u := user{t: t, bin: normalBinary(t), repo: home, env: []string{
			"HOME=" + home, "SECRETGUARD_LAB=" + lab, "BOT_ID=" + id, "BOT_KEY=" + key, "SQS_QUEUE_URL=" + queue,
		}}
		return u.run(code, "doctor", "-c", declaration, "-v")
	}
	if out := doctor(0, botID, botKey, *made.QueueUrl); !strings.Contains(out, "the queue is there") || !strings.Contains(out, "AWS takes the key") {
		t.Error("all is well, and doctor does not say so")
	}
	if out := doctor(1, botID, botKey, *made.QueueUrl+"-gone"); !strings.Contains(out, "queue.missing") {
		t.Error("the queue is not there")
	}
	if out := doctor(1, botID, "wrong"+botKey[5:], *made.QueueUrl); !strings.Contains(out, "queue.key") {
		t.Error("the secret is another key's")
	}
	if out := doctor(1, "AKIA"+strings.Repeat("X", 16), botKey, *made.QueueUrl); !strings.Contains(out, "queue.key") {
		t.Error("the key is unknown")
	}
}

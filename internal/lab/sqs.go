package lab

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// queue is an SQS queue of the twin.
type queue struct {
	name    string
	may     map[string][]string // user -> actions, without the prefix
	waiting int
	dead    string // ARN of the dead-letter queue
}

// queueRegion is where the twin's queues live.
const queueRegion = "us-east-1"

// AddQueue adds a queue and returns its URL, of the form that SQS gives: the twin is
// reached by its endpoint, which a client must not take from there.
func (a *AWS) AddQueue(name string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queues[name] = &queue{name: name, may: map[string][]string{}}
	return a.queueURL(name)
}

func (a *AWS) queueURL(name string) string {
	return "https://sqs." + queueRegion + ".amazonaws.com/" + a.account + "/" + name
}

// AllowQueue gives a user rights on a queue, such as SendMessage, in place of those
// that it had.
func (a *AWS) AllowQueue(queue, user string, actions ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queues[queue].may[user] = actions
}

// DeadLetters gives a queue a dead-letter queue.
func (a *AWS) DeadLetters(queue string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queues[queue].dead = a.queueARN(queue + "-dead")
}

// Send sends a message as a consumer's SDK would; it reports whether it arrived.
func (a *AWS) Send(queueURL, id, secret string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.keys[id]
	q := a.queueOf(queueURL)
	if k == nil || k.secret != secret || q == nil || !slices.Contains(q.may[k.user], "SendMessage") {
		return false
	}
	k.used("sqs")
	q.waiting++
	return true
}

func (a *AWS) queueARN(name string) string {
	return "arn:aws:sqs:" + queueRegion + ":" + a.account + ":" + name
}

// queueOf finds a queue by its URL.
func (a *AWS) queueOf(address string) *queue {
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	account, name, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	if account != a.account {
		return nil
	}
	return a.queues[name]
}

// answerQueue serves the JSON protocol of SQS, as far as looking goes.
func (a *AWS) answerQueue(w http.ResponseWriter, r *http.Request, body []byte, op string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	caller, code, message := a.authenticate(r, body)
	if code != "" {
		sqsError(w, http.StatusForbidden, "com.amazon.coral.service#"+code, message, "")
		return
	}
	caller.used("sqs")
	var in struct {
		QueueURL       string `json:"QueueUrl"`
		AttributeNames []string
	}
	if json.Unmarshal(body, &in) != nil || op != "GetQueueAttributes" {
		sqsError(w, http.StatusBadRequest, "com.amazonaws.sqs#UnsupportedOperation", "the twin only looks", "")
		return
	}
	q := a.queueOf(in.QueueURL)
	if q == nil {
		sqsError(w, http.StatusBadRequest, "com.amazonaws.sqs#QueueDoesNotExist", "The specified queue does not exist.", "AWS.SimpleQueueService.NonExistentQueue;Sender")
		return
	}
	if u := a.users[caller.user]; u != nil && !u.admin && !slices.Contains(q.may[caller.user], op) {
		sqsError(w, http.StatusForbidden, "com.amazon.coral.service#AccessDeniedException",
			"User: "+a.arn(caller.user)+" is not authorized to perform: sqs:getqueueattributes on resource: "+a.queueARN(q.name), "")
		return
	}
	attributes := map[string]string{"QueueArn": a.queueARN(q.name), "ApproximateNumberOfMessages": strconv.Itoa(q.waiting)}
	if q.dead != "" {
		attributes["RedrivePolicy"] = `{"deadLetterTargetArn":"` + q.dead + `","maxReceiveCount":5}`
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_ = json.NewEncoder(w).Encode(map[string]any{"Attributes": attributes}) // the client may be gone
}

func sqsError(w http.ResponseWriter, status int, code, message, query string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if query != "" {
		w.Header().Set("X-Amzn-Query-Error", query)
	}
	w.Header().Set("X-Amzn-Requestid", random("0123456789abcdef", 32))
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message}) // the client may be gone
}

// queueDecision is what IAM's simulation says of an action on a queue.
func (a *AWS) queueDecision(u *awsUser, action, arn string) string {
	q := a.queues[arn[strings.LastIndex(arn, ":")+1:]]
	if u.admin || q != nil && slices.Contains(q.may[u.name], strings.TrimPrefix(action, "sqs:")) {
		return "allowed"
	}
	return "implicitDeny"
}

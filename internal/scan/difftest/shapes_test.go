package difftest

import (
	"encoding/json"
	"fmt"
	"strings"
)

// shape is a file type whose setting is written as one line of a format string, in
// which N is the name, n the name in small letters, C and P the name as program code
// has it (camel and Pascal case), and V the value.
func shape(path, format string) fileType {
	return fileType{path, func(name, value string) string {
		c := camel(name)
		return strings.NewReplacer("«N»", name, "«n»", strings.ToLower(name), "«k»", strings.ReplaceAll(strings.ToLower(name), "_", "-"),
			"«C»", c, "«P»", strings.ToUpper(c[:1])+c[1:], "«V»", value).Replace(format)
	}}
}

// quoted is what JSON makes of a text.
func quoted(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// shapes are other places in which people keep settings: the name and the value are
// apart, or signs stand beside the value that ordinary files do not have there.
var shapes = []fileType{
	// the name in one line, the value in another
	shape("k8s/deployment.yaml", "        env:\n        - name: PORT\n          value: \"8080\"\n        - name: «N»\n          value: «V»\n        - name: DEBUG\n          value: \"0\"\n"),
	shape("k8s/quoted.yaml", "        - name: \"«N»\"\n          value: \"«V»\"\n"),
	shape("infra/variables.tf", "variable \"«n»\" {\n  type    = string\n  default = \"«V»\"\n}\n"),
	shape("infra/described.tf", "variable \"«n»\" {\n  description = \"What the service needs\"\n  type        = string\n  sensitive   = true\n  default     = \"«V»\"\n}\n"),
	shape("cfn/stack.yaml", "Parameters:\n  «P»:\n    Type: String\n    NoEcho: true\n    Default: «V»\nResources: {}\n"),
	shape("cfn/stack.json", "{\"Parameters\": {\"«P»\": {\"Type\": \"String\", \"NoEcho\": true, \"Default\": \"«V»\"}}}\n"),
	shape("arm/azuredeploy.json", "{\n  \"parameters\": {\n    \"«C»\": {\n      \"type\": \"securestring\",\n      \"defaultValue\": \"«V»\"\n    }\n  }\n}\n"),
	shape("terraform.tfstate", "{\n  \"environment\": [\n    {\n      \"name\": \"«N»\",\n      \"value\": \"«V»\"\n    }\n  ]\n}\n"),
	shape("ecs/task.json", "{\"containerDefinitions\":[{\"environment\":[{\"name\":\"PORT\",\"value\":\"80\"},{\"name\":\"«N»\",\"value\":\"«V»\"}]}]}\n"),
	shape("postman/env.json", "{\"values\":[{\"key\":\"«N»\",\"value\":\"«V»\",\"type\":\"secret\",\"enabled\":true}]}\n"),
	shape("outputs.json", "{\n  \"«n»\": {\n    \"sensitive\": true,\n    \"type\": \"string\",\n    \"value\": \"«V»\"\n  }\n}\n"),
	shape("App.config", "<configuration>\n  <appSettings>\n    <add key=\"«N»\" value=\"«V»\" />\n  </appSettings>\n</configuration>\n"),
	shape("config/folded.yaml", "app:\n  «n»: >-\n    «V»\n  port: 8080\n"),
	shape("config/literal.yml", "app:\n  «n»: |\n    «V»\n  port: 8080\n"),
	shape("Info.plist", "<dict>\n\t<key>«N»</key>\n\t<string>«V»</string>\n</dict>\n"),
	shape("core-site.xml", "<property>\n  <name>«k»</name>\n  <value>«V»</value>\n</property>\n"),
	shape("helm/values.yaml", "env:\n  «N»:\n    value: \"«V»\"\n"),
	shape("settings.xml", "<settings>\n  <«C»>«V»</«C»>\n</settings>\n"),
	shape("tag.xml", "<env>\n  <«N»>«V»</«N»>\n</env>\n"),
	// a default beside a look into the environment
	shape("src/or.ts", "const key = process.env.«N» || '«V»';\n"),
	shape("src/nullish.ts", "const key = process.env.«N» ?? \"«V»\";\n"),
	shape("src/env.rb", "KEY = ENV.fetch('«N»', '«V»')\n"),
	shape("src/getenv.py", "key = os.getenv(\"«N»\", \"«V»\")\n"),
	shape("src/environ.py", "key = os.environ.get('«N»') or '«V»'\n"),
	shape("src/setenviron.py", "import os\nos.environ[\"«N»\"] = \"«V»\"\n"),
	shape("src/set.rb", "ENV['«N»'] = '«V»'\n"),
	shape("src/set.js", "process.env['«N»'] = '«V»'\n"),
	shape("src/set.go", "package x\n\nfunc init() { os.Setenv(\"«N»\", \"«V»\") }\n"),
	shape("src/default.sh", "export «N»=\"${«N»:-«V»}\"\n"),
	shape("src/assign.sh", ": \"${«N»:=«V»}\"\n"),
	shape("config/services.php", "<?php return ['«n»' => env('«N»', '«V»')];\n"),
	shape("config/define.php", "<?php\ndefine('«N»', '«V»');\n"),
	shape("src/zod.ts", "export const env = z.object({ «N»: z.string().default('«V»') });\n"),
	// program code with types
	shape("src/typed.ts", "export const «C»: string = \"«V»\";\n"),
	shape("src/Typed.kt", "    private val «C»: String = \"«V»\"\n"),
	shape("src/Settings.cs", "    public string «P» { get; set; } = \"«V»\";\n"),
	shape("src/Keys.java", "    private static final String «N» = \"«V»\";\n"),
	shape("src/keys.rs", "pub const «N»: &str = \"«V»\";\n"),
	shape("src/keys.swift", "static let «C»: String = \"«V»\"\n"),
	shape("src/annotated.py", "class Settings(BaseSettings):\n    «n»: str = \"«V»\"\n"),
	shape("src/map.go", "var settings = map[string]string{\"«N»\": \"«V»\"}\n"),
	shape("src/table.lua", "settings[\"«N»\"] = \"«V»\"\n"),
	shape("src/Verbatim.cs", "    private const string «P» = @\"«V»\";\n"),
	shape("src/field.py", "class Settings(BaseSettings):\n    «n»: SecretStr = Field(default=SecretStr(\"«V»\"))\n"),
	shape("src/secretstr.py", "«n» = SecretStr(\"«V»\")\n"),
	shape("src/fromtoken.py", "«C» = Secret.from_token(\"«V»\")\n"),
	// shells and commands
	shape("set.ps1", "$env:«N» = \"«V»\"\n"),
	shape("set.bat", "set «N»=«V»\r\n"),
	shape("setx.bat", "setx «N» \"«V»\"\r\n"),
	shape("config.fish", "set -gx «N» «V»\n"),
	shape(".cshrc", "setenv «N» \"«V»\"\n"),
	shape("run.txt", "docker run --rm -e «N»=«V» image:1\n"),
	shape("heroku.txt", "heroku config:set «N»='«V»' --app shop\n"),
	shape("Dockerfile", "FROM alpine:3.20\nENV «N» «V»\n"),
	shape("Dockerfile.arg", "FROM alpine:3.20\nARG «N»=\"«V»\"\n"),
	shape("compose.yaml", "services:\n  app:\n    environment:\n      - «N»=«V»\n"),
	shape("app.service", "[Service]\nEnvironment=\"«N»=«V»\"\n"),
	shape("terraform.tfvars", "«n» = \"«V»\"\n"),
	shape("app.properties", "«n»=«V»\nport=8080\n"),
	shape("app.ini", "[keys]\n«n» : «V»\n"),
	// inside other texts
	{"notebook.ipynb", func(n, v string) string {
		return "{\"cells\":[{\"cell_type\":\"code\",\"source\":[" + quoted("import os\n") + "," + quoted(n+" = \""+v+"\"\n") + "]}]}\n"
	}},
	{"embedded.json", func(n, v string) string { return "{\"script\": " + quoted("export "+n+"=\""+v+"\"\nrun\n") + "}\n" }},
	{"nested.json", func(n, v string) string { return "{\"body\": " + quoted("{"+quoted(n)+": "+quoted(v)+"}") + "}\n" }},
	shape("page.html", "<code>«N»=&quot;«V»&quot;</code>\n"),
	shape("docs/table.md", "| Name | Value |\n| --- | --- |\n| «N» | «V» |\n| PORT | 80 |\n"),
	shape("docs/code-table.md", "| `«N»` | `«V»` |\n"),
	shape("docs/sentence.md", "Then set «N» to `«V»` and start it again.\n"),
	shape("docs/colon.md", "The «N»: «V».\n"),
	shape("list.csv", "name,value\n«N»,«V»\n"),
	shape("list.tsv", "name\tvalue\n«N»\t«V»\n"),
	shape("dump.sql", "INSERT INTO settings (name, value) VALUES ('«N»', '«V»');\n"),
	shape("escaped.c", "const char *env = \"«N»=\\n«V»\\n\";\n"),
	{"terminal.log", func(n, v string) string { return fmt.Sprintf("\x1b[36m%s\x1b[0m=\x1b[32m%s\x1b[0m\n", n, v) }},
	{"unicode.json", func(n, v string) string {
		return "{\"line\": \"" + n + "=\\u0022" + v + "\\u0022\"}\n"
	}},
	{"php.json", func(n, v string) string {
		return "{\"" + n + "\":\"" + strings.ReplaceAll(v, "/", "\\/") + "\"}\n"
	}},
}

"""More than two hundred texts that want to be more than text."""

from __future__ import annotations

from itertools import product

SCRIPTS = (
    "<script>hacked()</script>",
    "<ScRiPt src=//evil.test/x.js></sCrIpT>",
    "<script\x0c>hacked()</script\t>",
    "<img src=x onerror=hacked()>",
    "<img/src='http://evil.test/a.png'/onload=hacked()>",
    "<svg onload=hacked()><animate onbegin=hacked()>",
    "<svg><script href='//evil.test/x.js'/></svg>",
    "<iframe src='javascript:hacked()'></iframe>",
    "<iframe srcdoc='&lt;script&gt;hacked()&lt;/script&gt;'>",
    "<object data='data:text/html,<script>hacked()</script>'>",
    "<embed src=//evil.test/e.swf>",
    "<a href='javascript:hacked()'>x</a>",
    "<a href=java&#115;cript:hacked()>x</a>",
    "<form action=//evil.test><button>x</button></form>",
    "<meta http-equiv=refresh content='0;url=//evil.test'>",
    "<base href=//evil.test/>",
    "<link rel=stylesheet href=//evil.test/x.css>",
    "<style>@import '//evil.test/x.css'; body{display:none}</style>",
    "<body onload=hacked()>",
    "<details open ontoggle=hacked()>",
    "<video><source onerror=hacked()></video>",
    "<math><mtext><img src=x onerror=hacked()></mtext></math>",
    "<template><script>hacked()</script></template>",
    "<!--><script>hacked()</script-->",
    "<![CDATA[<script>hacked()</script>]]>",
    "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>&e;",
    "</details></div></article><h1>out",
    "</textarea></title><img src=x onerror=hacked()>",
    '" onmouseover="hacked()" x="',
    "' autofocus onfocus='hacked()' x='",
    "`onclick=hacked()`",
    "&lt;script&gt;hacked()&lt;/script&gt;",
    "&#60;img src=x onerror=hacked()&#62;",
    "{{constructor.constructor('hacked()')()}} ${hacked()} <%= hacked() %>",
)
MARKDOWN = (
    "[x](javascript:hacked())",
    "![x](http://evil.test/a.png)",
    "[x]: http://evil.test 'y'",
    "<http://evil.test>",
    "```html\n<script>hacked()</script>\n```",
    "| a | b |\n|---|---|\n" + "| x | y |\n" * 40,
    "# Heading\n\n> quote\n\n---",
    "$\\href{javascript:hacked()}{x}$ $$\\includegraphics{http://evil.test/a.png}$$",
    "\\begin{aligned} \\frac{1}{ \\sqrt{x $ \\unfinished{",
    "$" * 200,
    "$\\def\\x{\\x\\x}\\x$ $\\newcommand{\\y}[9]{#1#2}\\y$",
    "$\\htmlData{x=y}{z}$ $\\class{pc-cite}{[1]}$ \\(\\url{//evil.test}\\)",
    "$\\frac{$ x^{{{{ \\left( \\sqrt[ $$\\text{<img src=x onerror=hacked()>$$",
    "\\frac" * 400,
    "$x" + "^{x" * 150 + "}" * 150 + "$",
    "data:text/html;base64,PHNjcmlwdD5oYWNrZWQoKTwvc2NyaXB0Pg==",
)
DISGUISES = (
    "\u202egnp.exe\u202c \u2066left\u2069 \u200fright\u200e",
    "\u0000\u0001\u001b[31m\ufeff\ufffe",
    "Z\u0351\u036b\u0343\u036a\u0302" * 60,
    '<button class="pc-cite" data-turn="0" data-n="1">[1]</button>',
    '<span class="pc-verdict pc-v-supported">✓</span> [1] [2] [12]',
    'data-do="delete-papers" data-ids="[1]"',
    "x" * 5000,
    "\U0001f469\u200d\U0001f469\u200d\U0001f467" * 100,
)

BASES = (*SCRIPTS, *MARKDOWN, *DISGUISES)
AROUND = ("{}", "The method {} improves accuracy by 3%.", "{0} [1] {0}", "“{}”\n\n{}")
TEXTS = tuple(around.replace("{0}", "{}").replace("{}", base) for base, around in product(BASES, AROUND))

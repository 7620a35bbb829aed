/** The style of the report; colours are Okabe and Ito's blue and orange, each with a shape beside it. */
export const reportStyle = `
:root{color-scheme:light dark;--page:#fff;--text:#1a1f26;--soft:#56606b;--rule:#d8dde3;--card:#f5f7f9;--a:#d55e00;--b:#0072b2;--better:#00578a;--worse:#9c4300;--tint:.17;--null:.16}
@media (prefers-color-scheme:dark){:root{--page:#13171c;--text:#e7ebef;--soft:#a3adb8;--rule:#313943;--card:#1b2129;--a:#e69f00;--b:#56b4e9;--better:#8ccbf2;--worse:#f2b544;--tint:.25;--null:.2}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;overflow-wrap:anywhere}
header,main,footer{max-width:968px;margin:0 auto;padding:0 16px}
header{padding-top:28px}
h1{font-size:25px;line-height:1.2;margin:0 0 6px;text-wrap:balance}
h2{font-size:18px;margin:38px 0 4px;padding-top:16px;border-top:1px solid var(--rule)}
h3{font-size:15px;margin:22px 0 8px}
h3 span,figcaption span{color:var(--soft);font-weight:400}
p{margin:6px 0 12px;max-width:74ch}
a{color:var(--b)}
nav{display:flex;flex-wrap:wrap;gap:4px 18px;margin-top:12px;font-size:14px}
.muted,footer{color:var(--soft)}
.lead{font-size:17px;max-width:70ch;margin:18px 0}
.key-figures{display:grid;grid-template-columns:repeat(4,1fr);gap:12px;margin:18px 0}
.key-figure{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:11px 13px}
.key-figure b{display:block;font-size:20px;line-height:1.3;font-variant-numeric:tabular-nums;overflow-wrap:normal}
.key-figure span,.key-figure small{display:block;font-size:13px}
.key-figure small{overflow-wrap:normal;color:var(--soft);font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto}
.tall{max-height:420px;overflow-y:auto;border:1px solid var(--rule);border-radius:8px}
table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
th,td{padding:6px 10px;text-align:right;vertical-align:top;border-bottom:1px solid var(--rule);overflow-wrap:normal}
td{white-space:nowrap}
thead th{color:var(--soft);font-weight:600;border-bottom-width:2px;max-width:190px;overflow-wrap:break-word;min-width:76px}
.sort tbody th{min-width:150px}
.sort thead th{min-width:0;padding-right:8px}
th:first-child{text-align:left}
tbody th{font-weight:500;min-width:96px;max-width:280px;overflow-wrap:anywhere}
td small{display:block;font-size:12px;color:var(--soft)}
.tall thead th{position:sticky;top:0;background:var(--page)}
.better{color:var(--better);font-weight:600}
.worse{color:var(--worse);font-weight:600}
.same{color:var(--soft)}
.best{font-weight:700}
.best::after{content:" ●";color:var(--b);font-size:11px}
button{font:inherit;color:inherit;background:none;border:0;padding:0;cursor:pointer;text-align:inherit}
th button{font-weight:600;color:var(--soft)}
th button::after{content:"\\a0↕"}
.printed{display:none}
th[aria-sort=ascending] button::after{content:"\\a0↑"}
th[aria-sort=descending] button::after{content:"\\a0↓"}
:focus-visible{outline:2px solid var(--b);outline-offset:2px}
.copy{float:right;margin-left:10px;font-size:12px;color:var(--soft);border:1px solid var(--rule);border-radius:5px;padding:1px 7px}
.copy:hover{color:var(--text);border-color:var(--soft)}
.copy-line{max-width:none;min-height:24px}
figure{margin:0 0 14px;min-width:0}
figcaption{font-size:14px;margin-bottom:6px;min-height:24px}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:8px 26px}
.multiples{display:grid;grid-template-columns:repeat(auto-fill,minmax(160px,1fr));gap:6px 14px}
.multiples figcaption{font-size:13px}
svg{display:block;width:100%;height:auto}
.chart{max-width:460px}
.wide{max-width:936px}
.narrow{display:none}
.tile-chart{max-width:230px}
svg text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:var(--text)}
svg .tick,svg .note{fill:var(--soft)}
svg .note{paint-order:stroke;stroke:var(--page);stroke-width:3px;stroke-linejoin:round}
.grid{stroke:var(--rule);stroke-width:.8}
.axis{stroke:var(--soft)}
.zero{stroke:var(--soft);stroke-width:1.2}
.diagonal{stroke:var(--soft);stroke-dasharray:4 4;fill:none}
.line{fill:none;stroke-width:2}
.line.a{stroke:var(--a)}
.line.b{stroke:var(--b)}
.mark{stroke:var(--page);stroke-width:.7}
.mark.a{fill:var(--a)}
.mark.b{fill:var(--b)}
.band{opacity:var(--tint)}
.band.a{fill:var(--a)}
.band.b{fill:var(--b)}
.null-band{fill:var(--soft);opacity:var(--null)}
.gap{stroke:var(--a);stroke-width:3}
.bar{fill:var(--soft);opacity:.6}
.move{stroke:var(--soft);opacity:.6}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;align-items:center;font-size:13px;color:var(--soft);max-width:none}
.key{display:inline-flex;gap:6px;align-items:center}
.glyph{width:12px;height:12px;flex:none}
.scale-bar{width:140px;height:10px}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(164px,1fr));gap:10px}
.tiles figcaption{font-size:12px;color:var(--soft);margin-top:4px}
.picture,.tiles canvas{width:100%;height:auto;border-radius:4px;image-rendering:pixelated;background:#1b1f24}
.sliding .picture{display:none}
.tiles canvas{display:none}
.sliding canvas{display:block}
.truth,.predicted{fill:none;stroke-width:1.5;vector-effect:non-scaling-stroke}
.truth{stroke:#56b4e9}
.predicted{stroke:#e69f00;stroke-dasharray:4 2}
.slider{display:flex;gap:10px;align-items:center;font-size:13px;max-width:420px}
.slider input{flex:1;accent-color:var(--b)}
pre{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:12px;overflow:auto;font-size:12.5px;white-space:pre-wrap}
summary{cursor:pointer}
footer{margin-top:36px;padding-top:12px;padding-bottom:24px;border-top:1px solid var(--rule);font-size:13px}
@media screen and (max-width:790px){.pair{grid-template-columns:1fr}.key-figures{grid-template-columns:1fr 1fr}.multiples figcaption{min-height:46px}.wide{display:none}.narrow{display:block}}
@page{margin:14mm}
@media print{:root{color-scheme:light;--page:#fff;--text:#000;--soft:#444;--rule:#ccc;--card:#fff;--a:#d55e00;--b:#0072b2;--better:#00578a;--worse:#9c4300;--tint:.17;--null:.16}
nav,.copy,.slider,.copy-line{display:none}
th button{display:none}
.printed{display:inline}
.tall{max-height:none;overflow:visible;border:0}
.tall thead th{position:static}
.scroll{overflow:visible}
h2,h3,section>p{break-after:avoid}
p{break-inside:avoid;orphans:3;widows:3}
thead{display:table-header-group;break-inside:avoid}
.key-figure{padding:8px}
.key-figure small{font-size:11.5px}
.tiles,.multiples{grid-template-columns:repeat(4,1fr)}
.sort{font-size:12px}
.sort th,.sort td{padding:3px 5px}
.sort tbody th{min-width:90px}
figure,article,tr,.key-figure{break-inside:avoid}
details::details-content{content-visibility:visible;height:auto}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
@media (prefers-reduced-motion:no-preference){html{scroll-behavior:smooth}}
`;

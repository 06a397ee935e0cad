package dev.normlab.experiments.report;

import dev.normlab.experiments.plot.Palette;

/// The style sheet and the script of report pages.
final class PageStyle {

    /// The style sheet, with that of the figures.
    static final String CSS = Palette.css() + """
            :root{--page:#f5f6f7;--card:var(--nl-bg);--ink:#1b1f24;--muted:#55606b;--rule:#d5dae0;--stripe:#f2f4f6;--link:#005a9e}
            @media screen and (prefers-color-scheme:dark){
            :root{--page:#0d0f12;--ink:#e8ebee;--muted:#a7b0ba;--rule:#333a42;--stripe:#1c2026;--link:#7fc1ff}}
            *{box-sizing:border-box}
            html{color-scheme:light dark;-webkit-text-size-adjust:100%}
            body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 "Helvetica Neue",Helvetica,Arial,"Liberation Sans",sans-serif}
            header,nav,main,footer{max-width:1160px;margin:0 auto;padding:0 28px}
            header{padding-top:40px}
            h1{font-size:30px;line-height:1.2;letter-spacing:-.01em;margin:0 0 14px;text-wrap:balance}
            h2{font-size:21px;line-height:1.3;margin:0}
            h3{font-size:17px;line-height:1.3;margin:0}
            .lead{font-size:18px;line-height:1.5;max-width:46em;margin:0 0 18px}
                        nav ul{list-style:none;margin:0;padding:10px 0 14px;border-bottom:1px solid var(--rule);display:flex;flex-wrap:wrap;gap:4px 22px;font-size:15px}
            a{color:var(--link);text-underline-offset:2px}
            .skip{position:absolute;left:-999px}
            .skip:focus{left:8px;top:8px;background:var(--card);padding:6px 10px;z-index:1}
            section{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:18px 24px;padding:34px 0 6px}
            section>*{grid-column:1/-1;margin:0}
            section>p,section>ul,section>dl{max-width:46em}
            ul{padding-left:1.2em}
            li{margin:0 0 6px}
            dt{font-weight:700}
            dd{margin:0 0 10px}
            figure{background:var(--card);border:1px solid var(--rule);border-radius:6px;padding:16px 16px 12px;break-inside:avoid}
            section>figure.half,section>ul:has(+figure.half){grid-column:span 1}
            figcaption,caption{color:var(--muted);font-size:14px;line-height:1.45}
            figcaption{border-top:1px solid var(--rule);margin-top:10px;padding-top:8px}
            figcaption b,caption b{color:var(--ink)}
            .frame{container-type:inline-size}
            .frame svg{display:block;max-width:100%;height:auto;margin:0 auto}
            .fit.medium,.fit.narrow{display:none}
            @container (max-width:860px){.full .fit.wide{display:none}.full .fit.medium{display:block}}
            @container (max-width:460px){.fit.wide,.full .fit.medium{display:none}.fit.narrow{display:block}.fit.narrow svg{width:100%}}
            .scroll{overflow-x:auto;background:var(--card);border:1px solid var(--rule);border-radius:6px;padding:4px 16px 12px}
            .scroll:focus-visible,summary:focus-visible,button:focus-visible{outline:2px solid var(--link);outline-offset:1px}
            table{border-collapse:collapse;width:100%;font-size:14.5px;line-height:1.4;font-variant-numeric:tabular-nums}
            caption{text-align:left;padding:10px 0 10px}
            caption span{display:inline-block;position:sticky;left:0;max-width:min(75em,calc(100vw - 60px))}
            th,td{padding:6px 14px 6px 0;text-align:left;vertical-align:baseline}
            td{overflow-wrap:anywhere;min-width:7.5em}
            td.number{min-width:5em}
            th.number,td.number{text-align:right;padding:6px 0 6px 14px;white-space:nowrap}
            thead th{border-bottom:2px solid var(--rule);vertical-align:bottom;font-weight:700}
            thead th.number{white-space:normal;min-width:5.5em}
            tbody th{font-weight:400;white-space:nowrap}
            tbody tr+tr>*{border-top:1px solid var(--rule)}
            thead button{font:inherit;color:inherit;background:none;border:0;padding:0;margin:0;cursor:pointer;text-align:inherit}
            thead button::after{content:"\\00a0\\2195";color:var(--muted);font-weight:400}
            [aria-sort=ascending] button::after{content:"\\00a0\\2191";color:var(--ink)}
            [aria-sort=descending] button::after{content:"\\00a0\\2193";color:var(--ink)}
            summary{cursor:pointer;color:var(--link);padding:4px 0}
            details[open] summary{margin-bottom:10px}
            footer{color:var(--muted);font-size:14px;padding-top:26px;padding-bottom:40px}
            @media (max-width:900px){section>figure.half,section>ul:has(+figure.half){grid-column:1/-1}}
            @media (max-width:520px){
            header,nav,main,footer{padding-left:14px;padding-right:14px}
            header{padding-top:24px}
            h1{font-size:24px}
            .lead{font-size:16.5px}
            figure{padding:12px 10px 10px}
            .scroll{padding:4px 10px 10px}}
            @media print{
            body{background:none;font-size:10.5pt}
            header,nav,main,footer{max-width:none;padding-left:0;padding-right:0}
            nav,.skip,summary{display:none}
            thead button::after{content:""}
            .scroll{overflow:visible}
            h2,h3,caption{break-after:avoid}
            table{font-size:8pt}
            th,td,th.number,td.number{padding:3px 0 3px 8px;white-space:normal;min-width:0}
            th:first-child{padding-left:0}
            thead th.number{min-width:0}
            tr{break-inside:avoid}}
            """;

    /// Turns the headings of sortable tables into buttons. Numbers sort by value, missing ones last; the first click on numbers sorts
    /// descending.
    static final String SCRIPT = """
            for (const table of document.querySelectorAll('table.sortable')) {
              const body = table.tBodies[0];
              const heads = [...table.tHead.rows[0].cells];
              heads.forEach((head, column) => {
                const button = document.createElement('button');
                button.type = 'button';
                button.append(...head.childNodes);
                head.append(button);
                button.addEventListener('click', () => {
                  const numeric = head.classList.contains('number');
                  const now = head.getAttribute('aria-sort');
                  const down = now ? now === 'ascending' : numeric;
                  heads.forEach(other => other.removeAttribute('aria-sort'));
                  head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
                  const missing = down ? -Infinity : Infinity;
                  const value = row => Number(row.cells[column].dataset.value ?? missing);
                  const text = row => row.cells[column].textContent;
                  const order = (a, b) => numeric
                    ? (value(a) === value(b) ? 0 : value(a) - value(b))
                    : text(a).localeCompare(text(b), 'en', {numeric: true});
                  const rows = [...body.rows].sort((a, b) => down ? order(b, a) : order(a, b));
                  body.append(...rows);
                });
              });
            }
            """;

    private PageStyle() {}
}

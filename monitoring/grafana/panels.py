"""What the boards are made of: panels, variables, annotations, in Grafana's classic JSON (schema 39, read by Grafana 10 and later)."""

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
RUN = 'job=~"$job", run=~"$run"'
RANK = RUN + ', rank=~"$rank"'


def of(name, more="", ranks=False):
    """`name` with the matchers of the board's variables: of rank 0's figures, or of the chosen ranks'."""
    return f"{name}{{{RANK if ranks else RUN}{', ' + more if more else ''}}}"


def rate(name, more="", ranks=True):
    return f"rate({of(name, more, ranks)}[$__rate_interval])"


def panel(kind, title, description, unit, *queries, width=8, height=7, **options):
    """A panel; queries are (expression, legend). `description` says what it is, what is bad and what to do."""
    form = options.pop("form", "time_series")
    targets = [{"refId": chr(ord("A") + i), "datasource": SOURCE, "expr": expr, "legendFormat": legend, "editorMode": "code", "range": form != "table",
                "instant": form == "table", "format": form} for i, (expr, legend) in enumerate(queries)]
    defaults = {"unit": unit, **options.pop("defaults", {})}
    return {"type": kind, "title": title, "description": description, "datasource": SOURCE, "targets": targets, "gridPos": {"w": width, "h": height},
            "fieldConfig": {"defaults": defaults, "overrides": []}, **options}


def lines(title, description, unit, *queries, stacked=False, low=None, **options):
    custom = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 40 if stacked else 0, "showPoints": "never", "spanNulls": False,
              "stacking": {"mode": "normal" if stacked else "none"}}
    defaults = {"custom": custom, **({"min": low} if low is not None else {})}
    return panel("timeseries", title, description, unit, *queries, defaults=defaults,
                 options={"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}, **options)


def number(title, description, unit, expr, warn=None, bad=None, width=3, decimals=None):
    """One figure. `warn`, `bad`: from where it is yellow, red."""
    steps = [{"color": "green", "value": None}]
    steps += [{"color": color, "value": value} for color, value in (("yellow", warn), ("red", bad)) if value is not None]
    defaults = {"thresholds": {"mode": "absolute", "steps": steps}, **({} if decimals is None else {"decimals": decimals})}
    return panel("stat", title, description, unit, (expr, "{{run}}"), width=width, height=4, defaults=defaults,
                 options={"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "none", "textMode": "auto"})


def timeline(title, description, *queries, mappings=None, **options):
    return panel("state-timeline", title, description, "none", *queries, defaults={"mappings": mappings or []},
                 options={"showValue": "never", "mergeValues": True, "legend": {"displayMode": "list", "placement": "bottom"}}, **options)


def heatmap(title, description, unit, name, ranks=True, window="$__rate_interval", **options):
    """How often each value of a histogram occurs."""
    return panel("heatmap", title, description, "short", (f"sum by (le) (increase({of(name + '_bucket', ranks=ranks)}[{window}]))", "{{le}}"), form="heatmap",
                 options={"calculate": False, "yAxis": {"unit": unit}, "color": {"scheme": "Blues", "mode": "scheme"}}, **options)


def bars(title, description, unit, expr, legend, **options):
    return panel("bargauge", title, description, unit, (expr, legend), options={"reduceOptions": {"calcs": ["lastNotNull"]}, "orientation": "horizontal",
                                                                                "displayMode": "basic"}, defaults={"min": 0}, **options)


def table(title, description, expr, hidden, **options):
    renames = {"excludeByName": {name: True for name in ("Time", "Value", "__name__", "instance", *hidden)}}
    return panel("table", title, description, "none", (expr, ""), form="table", transformations=[{"id": "organize", "options": renames}], **options)


def variable(name, query, many=True, **more):
    return {"name": name, "label": name, "type": "query", "datasource": SOURCE, "query": {"query": query, "refId": name}, "definition": query, "refresh": 2,
            "sort": 3 if name == "rank" else 1, "multi": many, "includeAll": many, **({"allValue": ".+"} if many else {}), "current": {}, **more}


VARIABLES = [
    {"name": "datasource", "label": "data source", "type": "datasource", "query": "prometheus", "current": {}, "hide": 0},
    variable("job", "label_values(spcnet_build_info, job)"),
    variable("run", 'label_values(spcnet_build_info{job=~"$job"}, run)'),
    variable("rank", f"label_values(spcnet_build_info{{{RUN}}}, rank)"),
]

ANNOTATIONS = [
    {"name": "checkpoints", "expr": of("spcnet_checkpoint_last_success_timestamp_seconds") + " * 1000", "titleFormat": "checkpoint", "useValueForTime": True,
     "iconColor": "green"},
    {"name": "clusterings", "expr": of("spcnet_cluster_last_timestamp_seconds") + " * 1000", "titleFormat": "new pseudo labels", "useValueForTime": True,
     "iconColor": "purple"},
    {"name": "starts", "expr": f"max by (job, run) ({of('spcnet_run_start_timestamp_seconds')}) * 1000", "titleFormat": "start", "useValueForTime": True, "iconColor": "red"},
]


def board(uid, title, rows):
    """Rows are (title, collapsed, panels); panels fill a grid of 24 columns from left to right."""
    panels, y, number_of = [], 0, 0
    for row_title, collapsed, row_panels in rows:
        number_of += 1
        row = {"type": "row", "id": number_of, "title": row_title, "collapsed": collapsed, "panels": [], "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}}
        panels.append(row)
        x, y, highest = 0, y + 1, 0
        for each in row_panels:
            place = each["gridPos"]
            if x + place["w"] > 24:
                x, y, highest = 0, y + highest, 0
            number_of += 1
            placed = {**each, "id": number_of, "gridPos": {"x": x, "y": y, **place}}
            x, highest = x + place["w"], max(highest, place["h"])
            (row["panels"] if collapsed else panels).append(placed)
        y += highest
    annotations = [{"datasource": SOURCE, "enable": True, "hide": False, **each} for each in ANNOTATIONS]
    links = [{"type": "dashboards", "title": "spcnet", "tags": ["spcnet"], "asDropdown": True, "includeVars": True, "keepTime": True}]
    return {"id": None, "uid": uid, "title": title, "tags": ["spcnet"], "schemaVersion": 39, "version": 1, "editable": True, "graphTooltip": 1, "refresh": "10s",
            "time": {"from": "now-3h", "to": "now"}, "timezone": "browser", "links": links, "templating": {"list": VARIABLES},
            "annotations": {"list": annotations}, "panels": panels}

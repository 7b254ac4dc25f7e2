# Airflow with this project in it; docker-compose.yaml builds it.
FROM apache/airflow:3.3.2

COPY --chown=airflow:0 pyproject.toml README.md constraints.txt /opt/airflow-release/
COPY --chown=airflow:0 airflow_release_plugin /opt/airflow-release/airflow_release_plugin
# The image's own Airflow stays as it is: the constraint keeps pip from moving it.
RUN pip install --no-cache-dir "apache-airflow==${AIRFLOW_VERSION}" \
    apache-airflow-providers-celery apache-airflow-providers-fab psycopg2-binary asyncpg redis /opt/airflow-release

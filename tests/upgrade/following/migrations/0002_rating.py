"""A column and an index, so that what is served has to go on while its tables change."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vault", "0001_initial")]
    operations = [
        migrations.AddField("record", "rating", models.IntegerField(null=True)),
        migrations.AddIndex("record", models.Index(fields=["tenant", "rating"], name="vault_record_by_rating")),
    ]
